/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import io.latent4j.it.quickstart.corpus.CorpusBuilder.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Documented methods, split into parts that share no source file, no sentence and no code.
 *
 * @param train methods to learn from
 * @param test methods to search for
 */
public record CodeCorpus(List<Method> train, List<Method> test) {

    /**
     * A method.
     *
     * @param id package, class and name, with a number where that is not unique
     * @param sentence first sentence of its Javadoc
     * @param name the words of its name, in lower case, parted by blanks
     * @param signature what stands before its body, in one line, without annotations
     * @param code the words of its class' name and of its declaration, in lower case, parted by blanks
     */
    public record Method(String id, String sentence, String name, String signature, String code) {}

    /** Words of an identifier written in camel case, and numbers. */
    private static final Pattern WORD = Pattern.compile("\\p{Lu}+(?!\\p{Ll})|\\p{Lu}?\\p{Ll}+|\\p{N}+");

    private static final Pattern COMMENT = Pattern.compile("//[^\\n]*|/\\*.*?\\*/", Pattern.DOTALL);

    private static final Pattern ANNOTATIONS = Pattern.compile("^(@[\\w.]+(\\s*\\([^)]*\\))?\\s*)+");
    private static final Pattern SPACE = Pattern.compile("\\s+");

    /** No methods: what own texts have. */
    public static CodeCorpus none() {
        return new CodeCorpus(List.of(), List.of());
    }

    /** Whether there is anything to learn and to search for. */
    public boolean isEmpty() {
        return train.isEmpty() || test.isEmpty();
    }

    /**
     * Lower-case words of code or of a name.
     *
     * @param code Java
     * @return words, parted by blanks
     */
    static String words(String code) {
        return WORD.matcher(COMMENT.matcher(code).replaceAll(" "))
                .results()
                .map(MatchResult::group)
                .map(word -> word.toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(" "));
    }

    static String signature(String code) {
        String bare = ANNOTATIONS
                .matcher(COMMENT.matcher(code).replaceAll(" ").strip())
                .replaceFirst("");
        int body = bare.indexOf('{');
        return SPACE.matcher(body < 0 ? bare : bare.substring(0, body))
                .replaceAll(" ")
                .strip();
    }

    /** Collects methods from whatever is documented. */
    public static final class Builder implements Consumer<JavadocEntry> {
        private static final int MIN_CODE_WORDS = 8;

        private final List<JavadocEntry> methods = new ArrayList<>();

        /** Takes an entry if it is a method with a body. */
        @Override
        public void accept(JavadocEntry entry) {
            // Constructors are called <init>, fields aren't followed by a parenthesis
            boolean method = !entry.member().isEmpty()
                    && Pattern.compile("\\b" + Pattern.quote(entry.member()) + "\\s*\\(")
                            .matcher(entry.code())
                            .find()
                    && entry.code().endsWith("}");
            if (method) {
                methods.add(entry);
            }
        }

        /**
         * Sorts the methods out: a sentence that several methods share asks for none of them, and equal code is one
         * passage. What is for validation elsewhere is left out.
         *
         * @return the corpus
         */
        public CodeCorpus build() {
            Map<String, Integer> sentences = new HashMap<>();
            methods.forEach(entry -> sentences.merge(CorpusBuilder.normalised(entry.sentence()), 1, Integer::sum));
            Map<Part, List<Method>> parts = Map.of(
                    Part.TRAIN, new ArrayList<>(), Part.VALIDATION, new ArrayList<>(), Part.TEST, new ArrayList<>());
            Set<String> codes = new HashSet<>();
            Set<String> ids = new HashSet<>();
            // Training methods first: code that the test shares with them must not be asked for
            for (Part part : Part.values()) {
                for (JavadocEntry entry : methods) {
                    if (CorpusBuilder.part(entry.library() + "!" + entry.file()) == part
                            && sentences.get(CorpusBuilder.normalised(entry.sentence())) == 1) {
                        String code = words(entry.className() + ' ' + entry.code());
                        if (code.chars().filter(c -> c == ' ').count() + 1 >= MIN_CODE_WORDS && codes.add(code)) {
                            parts.get(part)
                                    .add(new Method(
                                            id(entry, ids),
                                            entry.sentence(),
                                            words(entry.member()),
                                            signature(entry.code()),
                                            code));
                        }
                    }
                }
            }
            return new CodeCorpus(List.copyOf(parts.get(Part.TRAIN)), List.copyOf(parts.get(Part.TEST)));
        }

        /** Overloaded methods get numbers. */
        private static String id(JavadocEntry entry, Set<String> taken) {
            String name = entry.packageName() + "." + entry.className() + "." + entry.member();
            String id = name;
            for (int i = 2; !taken.add(id); i++) {
                id = name + "#" + i;
            }
            return id;
        }
    }
}
