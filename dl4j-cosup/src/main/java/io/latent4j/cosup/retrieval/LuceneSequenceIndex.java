/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.retrieval;

import io.latent4j.cosup.Similarity;
import java.io.EOFException;
import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.apache.lucene.codecs.KnnVectorsFormat;
import org.apache.lucene.codecs.lucene912.Lucene912Codec;
import org.apache.lucene.codecs.lucene99.Lucene99HnswVectorsFormat;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.LockObtainFailedException;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds most of the best sequences by following a graph of neighbours (HNSW), which stands on disk.
 *
 * <pre>{@code
 * try (LuceneSequenceIndex index =
 *         LuceneSequenceIndex.open(folder, new LuceneSequenceIndex.Builder().dimension(256))) {
 *     index.add(ids, vectors);
 *     index.commit();
 *     List<Hit> hits = index.search(query, 5).get(0);
 * }
 * }</pre>
 *
 * <p>When to use it: for more sequences than {@link ExactSequenceIndex} can compare with or hold, or where an index must
 * outlive the process. Needs {@code lucene-core} 9.12, an optional dependency of this module.
 *
 * <p><b>Commits.</b> What is added is found, counted and safe from {@link #commit} on; before, nothing of it is, and
 * {@link #close} drops it. A process that dies at any moment leaves the last commit. Searches go on meanwhile and see one
 * commit each. One process at a time may write; others open the folder {@link Builder#readOnly read-only} and {@link
 * #refresh}.
 *
 * <p><b>Recall.</b> A search follows the graph with a list of {@link Builder#candidates candidates}; more of them find
 * more of the true neighbours and take longer, as do more {@link Builder#maxConnections connections} and a wider {@link
 * Builder#beamWidth beam} when the graph is built. With the defaults 999 of 1000 true neighbours among the first ten were
 * found in 100 000 vectors of 256 dimensions of which 32 matter, as encoders make them. Random vectors without any
 * structure are the hardest case: there half of them were found with 200 candidates, 0.82 with 800; compare with all.
 *
 * <p><b>Speed.</b> Building and searching are inner products, one pair of vectors at a time. Lucene 9.12 has vector
 * instructions for them on JDK 21 and 22 only, in a JVM that is started with {@code --add-modules jdk.incubator.vector};
 * on JDK 17, and on 23 and later, it warns or keeps silent and takes plain Java.
 *
 * <p>Maximum inner product by Lucene's transformation of scores; cosines are inner products of vectors that are
 * normalised when they are added. Of equal scores none is preferred.
 *
 * <p>Sources: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024, section on
 * inference; Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
 * Small World graphs", arXiv 1603.09320.
 */
public final class LuceneSequenceIndex implements SequenceIndex {
    private static final Logger log = LoggerFactory.getLogger(LuceneSequenceIndex.class);

    private static final String ID = "id";
    private static final String VECTOR = "vector";
    private static final String FORMAT_KEY = "io.latent4j.cosup.index";
    private static final String FORMAT = "1";
    private static final String DIMENSION_KEY = "dimension";
    private static final String SIMILARITY_KEY = "similarity";
    /** Queries that are read at a time: each time costs some calls of ND4J. */
    private static final int QUERY_ROWS = 256;
    /** Lucene's longest term. */
    private static final int LONGEST_ID = IndexWriter.MAX_TERM_LENGTH;

    private final Path folder;
    private final Directory directory;
    private final int dimension;
    private final Similarity similarity;
    private final int candidates;
    private final @Nullable IndexWriter writer;
    private final @Nullable ExecutorService threads;
    private final int threadCount;
    private final SearcherManager searchers;
    private final AtomicLong uncommitted = new AtomicLong();

    // ---- opening ---------------------------------------------------------------------------------------------------

    /**
     * Opens an index that exists, for searching and adding, with the default options.
     *
     * @param folder the index's folder
     * @return the index
     * @throws IOException if the folder holds no index, a damaged one or one that is being written elsewhere
     */
    public static LuceneSequenceIndex open(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + " must be the folder of an index, found none");
        }
        return open(folder, new Builder());
    }

    /**
     * Opens an index; one is created in a folder that does not exist or is empty.
     *
     * @param folder the index's folder
     * @param options the options; {@link Builder#dimension} is needed for a new index
     * @return the index
     * @throws IllegalArgumentException if the index was created with another dimension or similarity, or is new and the
     *     options give no dimension
     * @throws IOException if the folder holds other files but no index, an index of other software, a damaged one or one
     *     that is being written elsewhere; nothing in it was changed then
     */
    public static LuceneSequenceIndex open(Path folder, Builder options) throws IOException {
        Objects.requireNonNull(folder, "folder must not be null");
        if (!options.readOnly) {
            Files.createDirectories(folder);
        }
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + " must be the folder of an index, found none");
        }
        Directory directory = FSDirectory.open(folder);
        try {
            return new LuceneSequenceIndex(folder, directory, options);
        } catch (LockObtainFailedException e) {
            directory.close();
            throw new IOException(
                    folder + " is being written by another index, perhaps of another process: close that or open this"
                            + " one read-only",
                    e);
        } catch (CorruptIndexException | IndexFormatTooOldException | IndexFormatTooNewException e) {
            directory.close();
            throw new IOException(folder + " holds a damaged index or one of another version of Lucene: " + e, e);
        } catch (IOException | RuntimeException e) {
            directory.close();
            throw e;
        }
    }

    private LuceneSequenceIndex(Path folder, Directory directory, Builder options) throws IOException {
        this.folder = folder;
        this.directory = directory;
        this.candidates = options.candidates;
        this.threadCount = options.threads;
        boolean isNew = !DirectoryReader.indexExists(directory);
        if (isNew) {
            requireOwnFilesOnly(options);
            dimension = Vectors.requireDimension(options.dimension);
            similarity = options.similarity == null ? Similarity.DOT : options.similarity;
        } else {
            Map<String, String> stored = verify();
            dimension = number(stored);
            similarity = similarity(stored);
            requireSame("dimension", options.dimension == 0 ? null : options.dimension, dimension);
            requireSame("similarity", options.similarity, similarity);
        }
        if (options.readOnly) {
            writer = null;
            threads = null;
            searchers = new SearcherManager(directory, new Searchers());
        } else {
            writer = new IndexWriter(directory, options.writerConfig());
            threads = Executors.newFixedThreadPool(threadCount, LuceneSequenceIndex::daemon);
            try {
                if (isNew) {
                    writer.setLiveCommitData(Map.of(
                                    FORMAT_KEY,
                                    FORMAT,
                                    DIMENSION_KEY,
                                    Integer.toString(dimension),
                                    SIMILARITY_KEY,
                                    similarity.name())
                            .entrySet());
                    writer.commit();
                }
                searchers = new SearcherManager(directory, new Searchers());
            } catch (IOException | RuntimeException e) {
                threads.shutdown();
                writer.rollback();
                throw e;
            }
        }
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "sequence-index");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * A process that died while it created the index leaves its lock and perhaps a draft of the first commit. Whatever else
     * is there is someone's, such as the sequences of an index that lost its commit.
     */
    private void requireOwnFilesOnly(Builder options) throws IOException {
        for (String file : directory.listAll()) {
            boolean own = file.equals(IndexWriter.WRITE_LOCK_NAME) || file.startsWith(IndexFileNames.PENDING_SEGMENTS);
            if (!own) {
                throw new IOException(folder + " must be empty or hold an index, found no index but " + file);
            }
        }
        if (options.readOnly) {
            throw new IOException(folder + " must hold an index to be read, found none");
        }
        if (options.dimension == 0) {
            throw new IllegalArgumentException("dimension must be given for the new index " + folder + ", found none");
        }
    }

    /** Reads every byte of the last commit. */
    private Map<String, String> verify() throws IOException {
        try (DirectoryReader reader = DirectoryReader.open(directory)) {
            Map<String, String> stored = reader.getIndexCommit().getUserData();
            if (!FORMAT.equals(stored.get(FORMAT_KEY))) {
                throw new IOException(folder + " must be an index of sequences of format " + FORMAT + ", found "
                        + (stored.containsKey(FORMAT_KEY)
                                ? "format " + stored.get(FORMAT_KEY)
                                : "a Lucene index of other software"));
            }
            for (LeafReaderContext leaf : reader.leaves()) {
                leaf.reader().checkIntegrity();
            }
            return stored;
        } catch (NoSuchFileException | EOFException e) {
            throw new IOException(folder + " holds a damaged index: " + e, e);
        }
    }

    private int number(Map<String, String> stored) throws IOException {
        try {
            return Integer.parseInt(Objects.requireNonNullElse(stored.get(DIMENSION_KEY), ""));
        } catch (NumberFormatException e) {
            throw new IOException(folder + " must name its dimension, found " + stored, e);
        }
    }

    private Similarity similarity(Map<String, String> stored) throws IOException {
        try {
            return Similarity.valueOf(Objects.requireNonNullElse(stored.get(SIMILARITY_KEY), ""));
        } catch (IllegalArgumentException e) {
            throw new IOException(folder + " must name its similarity, found " + stored, e);
        }
    }

    private void requireSame(String name, @Nullable Object asked, Object stored) {
        if (asked != null && !asked.equals(stored)) {
            throw new IllegalArgumentException(
                    name + " must be " + stored + " as in the index " + folder + ", found " + asked);
        }
    }

    @Override
    public int dimension() {
        return dimension;
    }

    @Override
    public Similarity similarity() {
        return similarity;
    }

    @Override
    public long size() {
        return withSearcher(searcher -> (long) searcher.getIndexReader().numDocs());
    }

    // ---- adding ----------------------------------------------------------------------------------------------------

    /**
     * {@inheritDoc}
     *
     * <p>Nothing of it is found before {@link #commit}. Several threads build the graph ({@link Builder#threads}).
     *
     * @throws IllegalArgumentException also if an id is longer than 32766 bytes in UTF-8
     * @throws UncheckedIOException if it can't be written
     */
    @Override
    public void add(List<String> ids, INDArray vectors) {
        IndexWriter target = requireWriter();
        Vectors.requireAddable(ids, vectors, dimension);
        Map<String, Integer> last = new LinkedHashMap<>();
        for (int i = 0; i < ids.size(); i++) {
            int bytes = ids.get(i).getBytes(StandardCharsets.UTF_8).length;
            if (bytes > LONGEST_ID) {
                throw new IllegalArgumentException(
                        "ids must have at most " + LONGEST_ID + " bytes in UTF-8, found " + bytes + " at " + i);
            }
            last.put(ids.get(i), i);
        }
        boolean unique = last.size() == ids.size();
        Vectors.forEachChunk("vectors", vectors, similarity, (from, values) -> {
            int count = values.length / dimension;
            List<Callable<Void>> parts = new ArrayList<>();
            for (int part = 0; part < threadCount; part++) {
                int begin = (int) ((long) count * part / threadCount);
                int end = (int) ((long) count * (part + 1) / threadCount);
                parts.add(() -> {
                    for (int row = begin; row < end; row++) {
                        String id = ids.get((int) from + row);
                        if (unique || last.get(id) == from + row) {
                            uncommitted.incrementAndGet();
                            target.updateDocument(new Term(ID, id), document(id, values, row));
                        }
                    }
                    return null;
                });
            }
            run(parts);
        });
    }

    private Document document(String id, float[] values, int row) {
        Document document = new Document();
        document.add(new StringField(ID, id, Field.Store.NO));
        document.add(new BinaryDocValuesField(ID, new BytesRef(id)));
        document.add(new KnnFloatVectorField(
                VECTOR,
                Arrays.copyOfRange(values, row * dimension, (row + 1) * dimension),
                VectorSimilarityFunction.MAXIMUM_INNER_PRODUCT));
        return document;
    }

    /** Runs all parts; when it returns or throws none is running any more. */
    private void run(List<Callable<Void>> parts) {
        try {
            for (Future<Void> part : Objects.requireNonNull(threads).invokeAll(parts)) {
                part.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while adding to " + folder, e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw new UncheckedIOException("can't add to " + folder, cause);
            }
            throw new IllegalStateException("can't add to " + folder, e.getCause());
        }
    }

    /**
     * Adds all that another index has committed, with its graph as it is: much faster than adding the vectors again.
     * Sequences whose ids are there already are replaced. Nothing of it is found before {@link #commit}.
     *
     * <p>When to use it: to join indexes that several threads, processes or machines have built.
     *
     * @param other folder of an index of the same dimension and similarity which no one writes; left as it is
     * @throws IllegalArgumentException if it was created with another dimension or similarity, or is this index
     * @throws IOException if there is no index, a damaged one or one that is being written, or it can't be copied
     * @throws IllegalStateException if the index is closed or only open for reading
     */
    public void addAll(Path other) throws IOException {
        IndexWriter target = requireWriter();
        if (Files.isDirectory(other) && Files.isSameFile(other, folder)) {
            throw new IllegalArgumentException("other must be another index than " + folder + ", found the same");
        }
        try (LuceneSequenceIndex source = open(other, new Builder().readOnly(true))) {
            source.requireSame("dimension", dimension, source.dimension);
            source.requireSame("similarity", similarity, source.similarity);
            if (target.getDocStats().maxDoc > 0) {
                for (String id : source.ids()) {
                    uncommitted.incrementAndGet();
                    target.deleteDocuments(new Term(ID, id));
                }
            }
            uncommitted.addAndGet(source.size());
            target.addIndexes(source.directory);
        } catch (LockObtainFailedException e) {
            throw new IOException(other + " is being written by another index: close that", e);
        }
    }

    /** The ids of all sequences. */
    private List<String> ids() {
        return withSearcher(searcher -> {
            List<String> all = new ArrayList<>();
            for (LeafReaderContext leaf : searcher.getIndexReader().leaves()) {
                Bits live = leaf.reader().getLiveDocs();
                BinaryDocValues ids = DocValues.getBinary(leaf.reader(), ID);
                while (ids.nextDoc() != DocIdSetIterator.NO_MORE_DOCS) {
                    if (live == null || live.get(ids.docID())) {
                        all.add(ids.binaryValue().utf8ToString());
                    }
                }
            }
            return all;
        });
    }

    /**
     * Makes what was added durable and visible to searches that begin later. Readers of other processes see it after
     * {@link #refresh}.
     *
     * @throws IOException if it can't be written; the commit before is left intact
     * @throws IllegalStateException if the index is closed or only open for reading
     */
    public void commit() throws IOException {
        IndexWriter target = requireWriter();
        long included = uncommitted.get();
        target.commit();
        uncommitted.addAndGet(-included);
        searchers.maybeRefreshBlocking();
    }

    /**
     * Shows to later searches what another process has committed.
     *
     * @throws IOException if it can't be read
     * @throws IllegalStateException if the index is closed
     */
    public void refresh() throws IOException {
        searchers.maybeRefreshBlocking();
    }

    private IndexWriter requireWriter() {
        if (writer == null) {
            throw new IllegalStateException("the index " + folder + " must be open for writing, found it read-only");
        }
        if (!writer.isOpen()) {
            throw new IllegalStateException("the index " + folder + " must be open, found a closed one");
        }
        return writer;
    }

    // ---- searching -------------------------------------------------------------------------------------------------

    /**
     * {@inheritDoc}
     *
     * <p>Where a filter accepts few sequences, they are compared one by one. A filter that several rows share is asked
     * once for each sequence.
     *
     * @throws UncheckedIOException if the index can't be read
     */
    @Override
    public List<List<Hit>> search(INDArray queries, int k, IntFunction<? extends @Nullable Predicate<String>> filter) {
        Objects.requireNonNull(filter, "filter must not be null");
        return withSearcher(searcher -> {
            int size = searcher.getIndexReader().numDocs();
            long waiting = uncommitted.get();
            Vectors.requireSearchable(
                    queries, k, dimension, size, waiting == 0 ? "" : " but " + waiting + " that are not committed");
            Map<Predicate<String>, Query> filters = new IdentityHashMap<>();
            List<List<Hit>> hits = new ArrayList<>();
            int wanted = Math.min(k, size);
            for (long from = 0; from < queries.size(0); from += QUERY_ROWS) {
                long to = Math.min(queries.size(0), from + QUERY_ROWS);
                float[] values = Vectors.read("queries", queries, from, to, similarity);
                for (int i = 0; i < to - from; i++) {
                    Predicate<String> accepted = filter.apply((int) from + i);
                    Query query = new KnnFloatVectorQuery(
                            VECTOR,
                            Arrays.copyOfRange(values, i * dimension, (i + 1) * dimension),
                            Math.min(size, Math.max(wanted, candidates)),
                            accepted == null ? null : filters.computeIfAbsent(accepted, p -> new IdQuery(ID, p)));
                    hits.add(hits(searcher, searcher.search(query, wanted).scoreDocs));
                }
            }
            return hits;
        });
    }

    private static List<Hit> hits(IndexSearcher searcher, ScoreDoc[] found) throws IOException {
        List<LeafReaderContext> leaves = searcher.getIndexReader().leaves();
        List<Hit> hits = new ArrayList<>(found.length);
        for (ScoreDoc hit : found) {
            LeafReaderContext leaf = leaves.get(ReaderUtil.subIndex(hit.doc, leaves));
            BinaryDocValues ids = DocValues.getBinary(leaf.reader(), ID);
            ids.advanceExact(hit.doc - leaf.docBase);
            hits.add(new Hit(ids.binaryValue().utf8ToString(), innerProduct(hit.score)));
        }
        return hits;
    }

    /** Lucene's scores are never negative: 1 + s for s ≥ 0 and 1 / (1 − s) below. */
    private static double innerProduct(float score) {
        return score >= 1 ? (double) score - 1 : 1 - 1 / (double) score;
    }

    private interface Search<T> {
        T with(IndexSearcher searcher) throws IOException;
    }

    private <T> T withSearcher(Search<T> search) {
        try {
            IndexSearcher searcher = searchers.acquire();
            try {
                return search.with(searcher);
            } finally {
                searchers.release(searcher);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("can't read the index " + folder, e);
        }
    }

    /** Closes the index. What was not committed is lost, as a warning says. */
    @Override
    public void close() {
        try {
            if (writer != null && writer.isOpen()) {
                if (uncommitted.get() > 0) {
                    log.warn("{} sequences were added to {} but not committed, and are dropped", uncommitted, folder);
                }
                writer.rollback();
                Objects.requireNonNull(threads).shutdown();
            }
            searchers.close();
            directory.close();
        } catch (IOException e) {
            throw new UncheckedIOException("can't close the index " + folder, e);
        }
    }

    /** Searchers that keep no results of earlier filters. */
    private static final class Searchers extends SearcherFactory {
        @Override
        public IndexSearcher newSearcher(IndexReader reader, @Nullable IndexReader previous) {
            IndexSearcher searcher = new IndexSearcher(reader);
            searcher.setQueryCache(null);
            return searcher;
        }
    }

    // ---- options ---------------------------------------------------------------------------------------------------

    /** Options of a {@link LuceneSequenceIndex}. */
    public static final class Builder implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;

        /** d, 0: that of the existing index. */
        private int dimension;

        /** How vectors are compared, null: as in the existing index. */
        private @Nullable Similarity similarity;

        /** The graph's neighbours per sequence. */
        private int maxConnections = 16;

        /** Candidates while the graph is built. */
        private int beamWidth = 100;

        /** Candidates of a search. */
        private int candidates = 200;

        /** Threads that build the graph. */
        private int threads = Runtime.getRuntime().availableProcessors();

        /** Buffer of vectors that are not written yet. */
        private double memoryMegabytes = 256;

        /** Whether the index is only searched. */
        private boolean readOnly;

        /** Creates a builder with the defaults. */
        public Builder() {}

        /**
         * Sets the length of the vectors, which a new index needs. Lucene's own limit of 1024 does not hold here.
         *
         * @param dimension d, at least 1; default that of the existing index
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder dimension(int dimension) {
            this.dimension = Vectors.requireDimension(dimension);
            return this;
        }

        /**
         * Sets how vectors and queries are compared.
         *
         * @param similarity default that of the existing index, DOT for a new one
         * @return this
         */
        public Builder similarity(Similarity similarity) {
            this.similarity = Objects.requireNonNull(similarity, "similarity must be DOT or COSINE, found null");
            return this;
        }

        /**
         * Sets how many neighbours a sequence has in the graph (M); twice as many on its lowest level.
         *
         * @param maxConnections from 1 to 512; default 16
         * @return this
         * @throws IllegalArgumentException if it is outside
         */
        public Builder maxConnections(int maxConnections) {
            this.maxConnections =
                    requireRange("maxConnections", maxConnections, Lucene99HnswVectorsFormat.MAXIMUM_MAX_CONN);
            return this;
        }

        /**
         * Sets how many candidates are followed when a sequence is put into the graph (efConstruction).
         *
         * @param beamWidth from 1 to 3200; default 100
         * @return this
         * @throws IllegalArgumentException if it is outside
         */
        public Builder beamWidth(int beamWidth) {
            this.beamWidth = requireRange("beamWidth", beamWidth, Lucene99HnswVectorsFormat.MAXIMUM_BEAM_WIDTH);
            return this;
        }

        /**
         * Sets how many candidates a search follows (efSearch), at least k in any case.
         *
         * @param candidates at least 1; default 200
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder candidates(int candidates) {
            this.candidates = requireRange("candidates", candidates, Integer.MAX_VALUE);
            return this;
        }

        /**
         * Sets how many threads add sequences. Each builds a graph of its own; merges join them.
         *
         * @param threads at least 1; default the number of processors
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder threads(int threads) {
            this.threads = requireRange("threads", threads, Integer.MAX_VALUE);
            return this;
        }

        /**
         * Sets how much memory what was added may take before it is written to disk.
         *
         * @param memoryMegabytes from 1 to 2047; default 256
         * @return this
         * @throws IllegalArgumentException if it is outside
         */
        public Builder memoryMegabytes(int memoryMegabytes) {
            this.memoryMegabytes = requireRange("memoryMegabytes", memoryMegabytes, 2047);
            return this;
        }

        /**
         * Sets whether the index is opened for reading only, which others that write don't prevent.
         *
         * @param readOnly default false
         * @return this
         */
        public Builder readOnly(boolean readOnly) {
            this.readOnly = readOnly;
            return this;
        }

        private static int requireRange(String name, int value, int largest) {
            if (value < 1 || value > largest) {
                throw new IllegalArgumentException(
                        name + " must be at least 1 and at most " + largest + ", found " + value);
            }
            return value;
        }

        private IndexWriterConfig writerConfig() {
            KnnVectorsFormat format =
                    new AnyDimensionFormat(new Lucene99HnswVectorsFormat(maxConnections, beamWidth, threads, null));
            return new IndexWriterConfig()
                    .setRAMBufferSizeMB(memoryMegabytes)
                    .setCommitOnClose(false)
                    .setCodec(new Lucene912Codec() {
                        @Override
                        public KnnVectorsFormat getKnnVectorsFormatForField(String field) {
                            return format;
                        }
                    });
        }
    }
}
