/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.it.quickstart.corpus.CodeCorpus.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CodeCorpusTest {
    @TempDir
    private Path folder;

    @Test
    void splitsIdentifiersAndDropsComments() {
        assertEquals(
                "public string to xml 2 string return http url name",
                CodeCorpus.words("public String toXML2String() { // a comment\n return /* more */ HTTPUrl.name; }"));
    }

    @Test
    void signaturesAreOneLineWithoutAnnotations() {
        assertEquals(
                "public <T> List<T> of( T element)",
                CodeCorpus.signature(
                        "@Override @SuppressWarnings(\"x\")\n  public <T> List<T> of(\n  T element) { return x; }"));
        assertEquals("int size();", CodeCorpus.signature("int size();"));
    }

    @Test
    void keepsMethodsThatOneSentenceAsksFor() throws Exception {
        Map<String, String> sources = new TreeMap<>();
        for (int i = 0; i < 40; i++) {
            char letter = (char) ('a' + i % 20);
            String word = "" + letter + letter + (i < 20 ? "x" : "y");
            sources.put(
                    "p/C" + i + ".java",
                    "package p; /** A class of the number " + word + " here. */ class C" + i + " {\n"
                            + "/** Computes the value of " + word + " from two numbers. */ @Deprecated int compute"
                            + word
                            + "(int left, int right) { int sum = left + right; return sum + " + word + "; }\n"
                            + "/** The field that is called " + word + " by everyone. */ int field" + word
                            + " = call(1);\n"
                            + "/** Returns the same as all others do. */ int same(int left, int right) { return left"
                            + " + right + left + right + " + word + "; }\n"
                            + "/** Makes an object of the kind " + word + ". */ C" + i
                            + "(int left, int right) { super(); }\n"
                            + "}");
        }
        Path archive = folder.resolve("lib-1.0-sources.jar");
        SourcesJar.write(archive, sources);
        CodeCorpus.Builder builder = new CodeCorpus.Builder();
        JavadocArchive.read(archive, "lib", 100, true).forEach(builder);
        CodeCorpus corpus = builder.build();

        assertTrue(corpus.train().size() > corpus.test().size() && !corpus.isEmpty(), corpus.toString());
        List<Method> all = new ArrayList<>(corpus.train());
        all.addAll(corpus.test());
        assertTrue(all.size() > 25 && all.size() <= 40, "a tenth is for validation: " + all.size());
        Set<String> seen = new HashSet<>();
        for (Method method : all) {
            assertTrue(method.sentence().startsWith("Computes the value of "), method.toString());
            assertTrue(method.name().startsWith("compute"), method.toString());
            assertTrue(method.signature().startsWith("int compute"), method.toString());
            assertTrue(method.code().contains("int left int right"), method.toString());
            assertTrue(seen.add(method.id()) && seen.add(method.code()), method.toString());
        }
        assertFalse(CodeCorpus.none().train().iterator().hasNext());
        assertTrue(CodeCorpus.none().isEmpty());
    }
}
