/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The embedded input: first sentences of the Javadoc of well-known libraries, each labelled with what its library is
 * for. The archives are the libraries' published {@code sources} artifacts.
 */
public final class JavadocCorpus {

    /**
     * A class of the corpus and the artifacts that speak about it.
     *
     * @param label name of the class
     * @param artifacts Maven artifactIds
     */
    public record Topic(String label, List<String> artifacts) {}

    /** The classes of the embedded input. */
    public static final List<Topic> TOPICS = List.of(
            new Topic("collections", List.of("guava", "commons-collections4")),
            new Topic("deep learning", List.of("nd4j-api", "deeplearning4j-nn")),
            new Topic("full-text search", List.of("lucene-core")),
            new Topic("JSON", List.of("jackson-databind")),
            new Topic("mathematics", List.of("commons-math3")),
            new Topic("messaging", List.of("kafka-clients")),
            new Topic(
                    "networking",
                    List.of("netty-buffer", "netty-codec-http", "netty-common", "netty-handler", "netty-transport")),
            new Topic("office files", List.of("poi")),
            new Topic("PDF", List.of("pdfbox")),
            new Topic("SQL", List.of("calcite-core")));

    /** Per archive: keeps the largest libraries from taking all the time; still tens of thousands of sentences. */
    private static final int MAX_FILES = 500;

    private static final int MIN_WORDS = 4;
    private static final Pattern WORD = Pattern.compile("\\p{L}{2,}");
    /** {@code @inheritDoc} and its wordy relatives: text about another text. */
    private static final Pattern REFERENCE_ONLY =
            Pattern.compile("^(see|@see|javadoc|\\{@|todo\\b|inherited)", Pattern.CASE_INSENSITIVE);

    private JavadocCorpus() {}

    /**
     * Reads all topics' archives.
     *
     * @param directory where the {@code artifact-version-sources.jar} files are
     * @param topics classes and their artifacts
     * @param code is told of all entries, with their code
     * @return the corpus
     * @throws CorpusException if an archive is missing or unreadable
     */
    public static Corpus read(Path directory, List<Topic> topics, Consumer<JavadocEntry> code) throws CorpusException {
        record Archive(String label, Path file, String library) {}
        List<Archive> archives = new ArrayList<>();
        for (Topic topic : topics) {
            for (String artifact : topic.artifacts()) {
                Path file = find(directory, artifact);
                String library = file.getFileName().toString().replace("-sources.jar", "");
                archives.add(new Archive(topic.label(), file, library));
            }
        }
        CorpusBuilder builder = new CorpusBuilder();
        try {
            // Parsing is the slow part and independent per archive; the builder sees the entries in a fixed order.
            List<List<JavadocEntry>> read = archives.parallelStream()
                    .map(archive -> entries(archive.file(), archive.library()))
                    .toList();
            for (int i = 0; i < archives.size(); i++) {
                for (JavadocEntry entry : read.get(i)) {
                    String group = entry.library() + "!" + entry.file();
                    builder.add(entry.library(), archives.get(i).label(), entry.sentence(), group);
                    code.accept(entry);
                }
            }
        } catch (UncheckedIOException e) {
            throw new CorpusException(e.getMessage(), e);
        }
        return builder.build("Javadoc of " + archives.size() + " published libraries");
    }

    private static List<JavadocEntry> entries(Path archive, String library) {
        try {
            return JavadocArchive.read(archive, library, MAX_FILES, true).stream()
                    .filter(entry -> telling(entry.sentence()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(archive + ": not a readable sources archive: " + e.getMessage(), e);
        }
    }

    /** Whether a first sentence is a sentence at all, and about the thing that it documents. */
    static boolean telling(String sentence) {
        if (REFERENCE_ONLY.matcher(sentence).find()) {
            return false;
        }
        long words = WORD.matcher(sentence).results().count();
        long letters = sentence.chars().filter(Character::isLetter).count();
        long marks = sentence.chars().filter(c -> !Character.isWhitespace(c)).count();
        return words >= MIN_WORDS && letters * 10 >= marks * 7;
    }

    private static Path find(Path directory, String artifact) throws CorpusException {
        Pattern name = Pattern.compile(Pattern.quote(artifact) + "-\\d.*-sources\\.jar");
        if (Files.isDirectory(directory)) {
            try (Stream<Path> files = Files.list(directory)) {
                List<Path> found = files.filter(file ->
                                name.matcher(file.getFileName().toString()).matches())
                        .sorted()
                        .toList();
                if (found.size() == 1) {
                    return found.get(0);
                }
                if (found.size() > 1) {
                    throw new CorpusException(directory + ": expected one archive of " + artifact + ", found "
                            + found.stream().map(Path::getFileName).toList());
                }
            } catch (IOException e) {
                throw new CorpusException(directory + ": can't be listed: " + e.getMessage(), e);
            }
        }
        throw new CorpusException(directory + ": no " + artifact + "-*-sources.jar found; Maven copies it there"
                + " (mvn process-resources), or bring your own texts with --data FILE");
    }
}
