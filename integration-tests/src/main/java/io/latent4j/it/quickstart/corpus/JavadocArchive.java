/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import com.sun.source.doctree.DocCommentTree;
import com.sun.source.doctree.DocTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import javax.tools.JavaCompiler;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * Reads the Javadoc of a {@code sources} archive with the JDK's own parser.
 *
 * <p>The sources are only parsed, never compiled, so no class path is needed. Generated sources are left out: their
 * texts are copies of a template and say nothing about the library's subject.
 */
public final class JavadocArchive {

    /** Files per parser instance: bounds the syntax trees in memory at one time. */
    private static final int CHUNK = 100;

    private static final Pattern SKIPPED_PATH = Pattern.compile(
            "(^|/)(package-info|module-info)\\.java$|(^|/)(protobuf|proto|onnx|tensorflow|generated|shaded|relocated)(/|$)",
            Pattern.CASE_INSENSITIVE);
    private static final Pattern GENERATED = Pattern.compile(
            "@(javax\\.annotation\\.(processing\\.)?|jakarta\\.annotation\\.)?Generated\\b"
                    + "|\\b(auto-?\\s?|machine[- ])?generated (by|code|from|automatically)"
                    + "|auto-?\\s?generated|do not (edit|modify)",
            Pattern.CASE_INSENSITIVE);
    /** Marks of generated files stand at their top. */
    private static final int HEADER = 2500;

    private JavadocArchive() {}

    /**
     * Reads every documented class, method, constructor and field.
     *
     * @param archive a jar or zip of Java sources
     * @param library name that the entries carry
     * @param withCode whether entries carry the declaration's source text, which takes far more memory
     * @return entries in the order of the archive; texts are unfiltered, they may be short or repeated
     * @throws IOException if the archive can't be read
     * @throws IllegalStateException if this is a Java runtime without the compiler
     */
    public static List<JavadocEntry> read(Path archive, String library, boolean withCode) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        if (compiler == null) {
            throw new IllegalStateException("Reading Javadoc needs a JDK: this Java runtime ("
                    + System.getProperty("java.home") + ") has no compiler");
        }
        List<JavadocEntry> entries = new ArrayList<>();
        try (ZipFile zip = new ZipFile(archive.toFile())) {
            List<Source> chunk = new ArrayList<>(CHUNK);
            for (ZipEntry file : Collections.list(zip.entries())) {
                if (!file.getName().endsWith(".java")
                        || SKIPPED_PATH.matcher(file.getName()).find()) {
                    continue;
                }
                String text = new String(zip.getInputStream(file).readAllBytes(), StandardCharsets.UTF_8);
                if (!generated(text)) {
                    chunk.add(new Source(file.getName(), text));
                }
                if (chunk.size() == CHUNK) {
                    parse(compiler, library, chunk, withCode, entries);
                    chunk.clear();
                }
            }
            if (!chunk.isEmpty()) {
                parse(compiler, library, chunk, withCode, entries);
            }
        }
        return entries;
    }

    static boolean generated(String source) {
        return GENERATED
                .matcher(source.substring(0, Math.min(HEADER, source.length())))
                .find();
    }

    private static void parse(
            JavaCompiler compiler, String library, List<Source> sources, boolean withCode, List<JavadocEntry> entries)
            throws IOException {
        // Syntax errors (a language level unknown to this JDK) are the listener's business: such files give what they
        // can.
        JavacTask task = (JavacTask) compiler.getTask(null, null, problem -> {}, List.of("-proc:none"), null, sources);
        DocTrees trees = DocTrees.instance(task);
        // javadoc's own rule ends a sentence at every "e.g. "
        trees.setBreakIterator(BreakIterator.getSentenceInstance(Locale.ENGLISH));
        for (CompilationUnitTree unit : task.parse()) {
            new Reader(trees, unit, library, withCode, entries).scan(unit, null);
        }
    }

    /** Walks through one source file and remembers in which class it stands. */
    private static final class Reader extends TreePathScanner<Void, Void> {
        private final DocTrees trees;
        private final SourcePositions positions;
        private final DocText text;
        private final CompilationUnitTree unit;
        private final String file;
        private final CharSequence source;
        private final String library;
        private final boolean withCode;
        private final List<JavadocEntry> entries;
        private String className = "";

        Reader(DocTrees trees, CompilationUnitTree unit, String library, boolean withCode, List<JavadocEntry> entries)
                throws IOException {
            this.trees = trees;
            this.positions = trees.getSourcePositions();
            this.text = new DocText(trees);
            this.unit = unit;
            this.file = unit.getSourceFile().getName().substring(1); // the URI's path without its root
            this.source = unit.getSourceFile().getCharContent(true);
            this.library = library;
            this.withCode = withCode;
            this.entries = entries;
        }

        @Override
        public Void visitClass(ClassTree tree, Void unused) {
            String outer = className;
            String name = tree.getSimpleName().toString();
            className = outer.isEmpty() ? name : outer + "." + name;
            add(tree, "");
            super.visitClass(tree, unused);
            className = outer;
            return null;
        }

        @Override
        public Void visitMethod(MethodTree tree, Void unused) {
            add(tree, tree.getName().toString());
            return null; // local classes are not part of a library's documentation
        }

        @Override
        public Void visitVariable(VariableTree tree, Void unused) {
            add(tree, tree.getName().toString());
            return null;
        }

        private void add(Tree tree, String member) {
            DocCommentTree comment = trees.getDocCommentTree(getCurrentPath());
            if (comment == null || inherited(comment)) {
                return;
            }
            String sentence = text.of(comment.getFirstSentence());
            if (!sentence.isEmpty()) {
                String packageName = unit.getPackageName() == null
                        ? ""
                        : unit.getPackageName().toString();
                entries.add(new JavadocEntry(
                        library, packageName, file, className, member, sentence, withCode ? code(tree) : ""));
            }
        }

        private static boolean inherited(DocCommentTree comment) {
            return comment.getFirstSentence().stream().anyMatch(part -> part.getKind() == DocTree.Kind.INHERIT_DOC);
        }

        private String code(Tree tree) {
            long start = positions.getStartPosition(unit, tree);
            long end = positions.getEndPosition(unit, tree);
            return start < 0 || end < start
                    ? ""
                    : source.subSequence((int) start, (int) end).toString();
        }
    }

    /** A source file held in memory. */
    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String path, String text) {
            super(URI.create("string:///" + path.replace(' ', '_')), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
