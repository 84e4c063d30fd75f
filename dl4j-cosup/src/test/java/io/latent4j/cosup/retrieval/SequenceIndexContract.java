/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.latent4j.cosup.Similarity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** What every index of sequences must do, against plain sums in double. */
abstract class SequenceIndexContract {
    static final int D = 12;

    private final List<SequenceIndex> opened = new ArrayList<>();

    abstract SequenceIndex newIndex(int dimension, Similarity similarity);

    /** Makes visible what was added. */
    abstract void publish(SequenceIndex index);

    final SequenceIndex index(Similarity similarity) {
        SequenceIndex index = newIndex(D, similarity);
        opened.add(index);
        return index;
    }

    final SequenceIndex filled(Similarity similarity, double[][] vectors) {
        SequenceIndex index = index(similarity);
        index.add(ids(vectors.length), Nd4j.createFromArray(vectors));
        publish(index);
        return index;
    }

    @AfterEach
    void closeIndexes() {
        opened.forEach(SequenceIndex::close);
    }

    static List<String> ids(int count) {
        return IntStream.range(0, count).mapToObj(i -> "p" + i).toList();
    }

    /** Values that FLOAT holds exactly. */
    static double[][] random(int rows, int columns, long seed) {
        Random random = new Random(seed);
        double[][] values = new double[rows][columns];
        for (double[] row : values) {
            Arrays.setAll(row, i -> (float) random.nextGaussian());
        }
        return values;
    }

    static double similarity(Similarity similarity, double[] a, double[] b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += a[i] * b[i];
            aa += a[i] * a[i];
            bb += b[i] * b[i];
        }
        return similarity == Similarity.DOT ? dot : aa * bb == 0 ? 0 : dot / Math.sqrt(aa * bb);
    }

    /** The hits by plain comparison with all. */
    static List<Hit> expected(
            Similarity similarity, double[][] vectors, double[] query, int k, Predicate<String> filter) {
        return IntStream.range(0, vectors.length)
                .mapToObj(i -> new Hit("p" + i, similarity(similarity, vectors[i], query)))
                .filter(hit -> filter.test(hit.id()))
                .sorted(Comparator.comparingDouble(Hit::score).reversed())
                .limit(k)
                .toList();
    }

    static void assertHits(List<Hit> expected, List<Hit> found) {
        assertEquals(
                expected.stream().map(Hit::id).toList(),
                found.stream().map(Hit::id).toList());
        for (int i = 0; i < expected.size(); i++) {
            // Sums of D products in FLOAT, and Lucene's scores, which are relative to 1
            assertEquals(
                    expected.get(i).score(),
                    found.get(i).score(),
                    1e-5 * (1 + Math.abs(expected.get(i).score())));
        }
    }

    static List<String> foundIds(List<Hit> hits) {
        return hits.stream().map(Hit::id).toList();
    }

    // ---- searching -------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void findsWhatPlainComparisonFinds(Similarity similarity) {
        double[][] vectors = random(300, D, 1);
        double[][] queries = random(20, D, 2);
        SequenceIndex index = filled(similarity, vectors);
        assertEquals(300, index.size());
        assertEquals(D, index.dimension());
        assertEquals(similarity, index.similarity());
        List<List<Hit>> found = index.search(Nd4j.createFromArray(queries), 7);
        assertEquals(20, found.size());
        for (int i = 0; i < queries.length; i++) {
            assertHits(expected(similarity, vectors, queries[i], 7, id -> true), found.get(i));
        }
    }

    @ParameterizedTest
    @EnumSource(Similarity.class)
    void filterOfEachQueryHolds(Similarity similarity) {
        double[][] vectors = random(300, D, 3);
        double[][] queries = random(5, D, 4);
        SequenceIndex index = filled(similarity, vectors);
        Predicate<String> even = id -> Integer.parseInt(id.substring(1)) % 2 == 0;
        Predicate<String> few = Set.of("p7", "p99", "p250")::contains;
        List<Predicate<String>> filters = Arrays.asList(even, null, few, even, id -> false);
        List<List<Hit>> found = index.search(Nd4j.createFromArray(queries), 6, filters::get);
        for (int i = 0; i < queries.length; i++) {
            Predicate<String> filter = filters.get(i) == null ? id -> true : filters.get(i);
            assertHits(expected(similarity, vectors, queries[i], 6, filter), found.get(i));
        }
        assertEquals(3, found.get(2).size(), "as many as are accepted");
        assertTrue(found.get(4).isEmpty());
    }

    @Test
    void moreHitsThanSequencesAreAll() {
        double[][] vectors = random(5, D, 5);
        SequenceIndex index = filled(Similarity.DOT, vectors);
        double[][] query = random(1, D, 6);
        for (int k : new int[] {5, 6, 1000, Integer.MAX_VALUE}) {
            assertHits(
                    expected(Similarity.DOT, vectors, query[0], 5, id -> true),
                    index.search(Nd4j.createFromArray(query), k).get(0));
        }
    }

    @Test
    void equalScoresAreAllThere() {
        double[][] vectors = new double[9][D];
        for (int i = 0; i < 9; i++) {
            vectors[i][0] = i < 3 ? 2 : 1;
        }
        SequenceIndex index = filled(Similarity.DOT, vectors);
        double[][] query = new double[1][D];
        query[0][0] = 1;
        List<Hit> hits = index.search(Nd4j.createFromArray(query), 5).get(0);
        assertEquals(Set.of("p0", "p1", "p2"), new HashSet<>(foundIds(hits.subList(0, 3))));
        assertEquals(5, new HashSet<>(foundIds(hits)).size());
        assertEquals(1, hits.get(4).score(), 1e-6);
        List<Hit> all = index.search(Nd4j.createFromArray(query), 9).get(0);
        assertEquals(new HashSet<>(ids(9)), new HashSet<>(foundIds(all)));
    }

    @Test
    void negativeAndZeroScoresAreRanked() {
        double[][] vectors = {unit(-3), unit(0), unit(-0.5), unit(4)};
        SequenceIndex index = filled(Similarity.DOT, vectors);
        List<Hit> hits =
                index.search(Nd4j.createFromArray(new double[][] {unit(2)}), 4).get(0);
        assertHits(List.of(new Hit("p3", 8), new Hit("p1", 0), new Hit("p2", -1), new Hit("p0", -6)), hits);
    }

    private static double[] unit(double value) {
        double[] vector = new double[D];
        vector[1] = value;
        return vector;
    }

    @Test
    void cosineOfZeroVectorsIsZero() {
        SequenceIndex index = filled(Similarity.COSINE, new double[][] {unit(0), unit(-2), unit(1e-30)});
        assertHits(
                List.of(new Hit("p2", 1), new Hit("p0", 0), new Hit("p1", -1)),
                index.search(Nd4j.createFromArray(new double[][] {unit(5)}), 3).get(0));
        for (Hit hit : index.search(Nd4j.zeros(DataType.FLOAT, 1, D), 3).get(0)) {
            assertEquals(0, hit.score());
        }
    }

    @Test
    void noQueriesHaveNoHits() {
        SequenceIndex index = filled(Similarity.DOT, random(3, D, 1));
        INDArray queries = Nd4j.createFromArray(random(2, D, 1));
        assertEquals(2, index.search(queries, 1).size());
        assertThrows(NullPointerException.class, () -> index.search(queries, 1, null));
    }

    @Test
    void typesOrdersAndViewsDoNotMatter() {
        double[][] values = random(40, D, 7);
        INDArray vectors = Nd4j.createFromArray(values);
        INDArray wide = Nd4j.zeros(DataType.DOUBLE, 50, 2 * D);
        INDArray view = wide.get(NDArrayIndex.interval(5, 45), NDArrayIndex.interval(3, 3 + D));
        view.assign(vectors);
        INDArray query = Nd4j.createFromArray(random(1, D, 8));
        List<Hit> expected = filled(Similarity.DOT, values).search(query, 8).get(0);
        for (INDArray form : List.of(vectors.castTo(DataType.FLOAT), vectors.dup('f'), view)) {
            SequenceIndex index = index(Similarity.DOT);
            index.add(ids(40), form);
            publish(index);
            assertEquals(expected, index.search(query, 8).get(0));
            assertEquals(expected, index.search(query.castTo(DataType.FLOAT), 8).get(0));
        }
        assertEquals(Nd4j.createFromArray(values), vectors, "arguments are not changed");
    }

    // ---- adding ----------------------------------------------------------------------------------------------------

    @Test
    void addingAgainReplaces() {
        double[][] vectors = random(50, D, 9);
        SequenceIndex index = filled(Similarity.DOT, vectors);
        double[][] newer = random(2, D, 10);
        index.add(List.of("p49", "p3"), Nd4j.createFromArray(newer));
        publish(index);
        vectors[49] = newer[0];
        vectors[3] = newer[1];
        assertEquals(50, index.size());
        for (double[] query : random(5, D, 11)) {
            assertHits(
                    expected(Similarity.DOT, vectors, query, 50, id -> true),
                    index.search(Nd4j.createFromArray(new double[][] {query}), 50)
                            .get(0));
        }
    }

    @Test
    void lastOfEqualIdsCounts() {
        double[][] vectors = {unit(1), unit(2), unit(3), unit(4)};
        SequenceIndex index = index(Similarity.DOT);
        index.add(List.of("a", "b", "a", "b"), Nd4j.createFromArray(vectors));
        publish(index);
        assertEquals(2, index.size());
        assertHits(
                List.of(new Hit("b", 4), new Hit("a", 3)),
                index.search(Nd4j.createFromArray(new double[][] {unit(1)}), 4).get(0));
    }

    @Test
    void manySmallAdditionsAreOneLarge() {
        double[][] vectors = random(230, D, 12);
        SequenceIndex index = index(Similarity.DOT);
        for (int from = 0, count = 1; from < 230; from += count, count += 3) {
            count = Math.min(count, 230 - from);
            index.add(
                    ids(230).subList(from, from + count),
                    Nd4j.createFromArray(Arrays.copyOfRange(vectors, from, from + count)));
        }
        publish(index);
        assertEquals(230, index.size());
        double[][] query = random(1, D, 13);
        assertHits(
                expected(Similarity.DOT, vectors, query[0], 230, id -> true),
                index.search(Nd4j.createFromArray(query), 230).get(0));
    }

    @Test
    void readersGoOnWhileOneAdds() throws Exception {
        double[][] vectors = random(600, D, 14);
        SequenceIndex index = index(Similarity.DOT);
        index.add(ids(600).subList(0, 100), Nd4j.createFromArray(Arrays.copyOf(vectors, 100)));
        publish(index);
        double[][] queries = random(4, D, 15);
        INDArray asked = Nd4j.createFromArray(queries);
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            Callable<Integer> reader = () -> {
                long before = 0;
                int searches = 0;
                do {
                    before = index.size();
                    List<List<Hit>> found = index.search(asked, 5);
                    for (int i = 0; i < queries.length; i++) {
                        assertEquals(5, found.get(i).size());
                        for (Hit hit : found.get(i)) {
                            double[] vector = vectors[Integer.parseInt(hit.id().substring(1))];
                            assertEquals(similarity(Similarity.DOT, vector, queries[i]), hit.score(), 1e-4);
                        }
                    }
                    searches++;
                } while (before < 600);
                return searches;
            };
            List<Future<Integer>> readers = List.of(threads.submit(reader), threads.submit(reader));
            for (int from = 100; from < 600; from += 50) {
                index.add(
                        ids(600).subList(from, from + 50),
                        Nd4j.createFromArray(Arrays.copyOfRange(vectors, from, from + 50)));
                publish(index);
            }
            for (Future<Integer> result : readers) {
                assertTrue(result.get() > 0);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    // ---- bad input -------------------------------------------------------------------------------------------------

    @Test
    void badArgumentsAreRefusedBeforeAnythingChanges() {
        double[][] vectors = random(3, D, 16);
        SequenceIndex index = filled(Similarity.DOT, vectors);
        INDArray three = Nd4j.createFromArray(random(3, D, 17));
        assertMessage("ids must be one for each of 3 vectors, found 2", () -> index.add(ids(2), three));
        assertMessage("found null at 1", () -> index.add(Arrays.asList("p0", null, "p2"), three));
        String columns = "must be a floating point matrix with " + D + " columns, found ";
        assertMessage(
                "vectors " + columns + "FLOAT of shape [3, 5]",
                () -> index.add(ids(3), Nd4j.ones(DataType.FLOAT, 3, 5)));
        assertMessage("vectors " + columns + "INT", () -> index.add(ids(3), Nd4j.ones(DataType.INT32, 3, D)));
        assertMessage("queries " + columns, () -> index.search(Nd4j.ones(DataType.FLOAT, D), 1));
        assertMessage("queries " + columns, () -> index.search(Nd4j.ones(DataType.FLOAT, 1, D + 1), 1));
        assertMessage("k must be at least 1, found 0", () -> index.search(three, 0));
        for (double bad : new double[] {Double.NaN, 1 / 0.0, -1 / 0.0, 1e39}) {
            INDArray broken = three.dup();
            broken.putScalar(2, 4, bad);
            String message = "must be finite in FLOAT, found " + bad + " in row 2, column 4";
            assertMessage("vectors " + message, () -> index.add(ids(3), broken));
            assertMessage("queries must be finite", () -> index.search(broken, 1));
        }
        publish(index);
        assertEquals(3, index.size());
        double[][] query = random(1, D, 18);
        assertHits(
                expected(Similarity.DOT, vectors, query[0], 3, id -> true),
                index.search(Nd4j.createFromArray(query), 3).get(0));
    }

    @Test
    void emptyIndexCanNotBeSearched() {
        SequenceIndex index = index(Similarity.DOT);
        assertEquals(0, index.size());
        String message = assertThrows(
                        IllegalStateException.class, () -> index.search(Nd4j.ones(DataType.FLOAT, 1, D), 1))
                .getMessage();
        assertTrue(message.contains("must hold a sequence to be searched, found none"), message);
    }

    @Test
    void closedIndexRefuses() {
        SequenceIndex index = filled(Similarity.DOT, random(3, D, 19));
        index.close();
        index.close();
        INDArray row = Nd4j.ones(DataType.FLOAT, 1, D);
        assertThrows(IllegalStateException.class, () -> index.search(row, 1));
        assertThrows(IllegalStateException.class, () -> index.add(List.of("x"), row));
    }

    static void assertMessage(String expected, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(message.contains(expected), message);
    }

    static void assertContains(String expected, Exception e) {
        assertFalse(e.getMessage() == null);
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }
}
