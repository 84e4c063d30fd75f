/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import io.latent4j.cosup.data.EncodedInstance.Retrieval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Minibatches for token–sequence co-supervision, of N instances and M passages. T and S are the lengths of the batch's
 * longest instance (less one token, which has no next one) and passage; what is shorter is padded and masked.
 *
 * <table>
 * <caption>Arrays of a batch</caption>
 * <tr><th>array</th><th>shape</th><th>content</th></tr>
 * <tr><td>features 0, "tokens"</td><td>[N, T] INT32</td><td>token ids; mask [N, T]</td></tr>
 * <tr><td>features 1, "passages"</td><td>[M, S] INT32</td><td>the distinct passages of the batch's retrievals, then
 *     distinct hard negatives; mask [M, S]</td></tr>
 * <tr><td>features 2, "passageIds"</td><td>[M, 1] INT32</td><td>{@linkplain #passageNumber(String) numbers} of the
 *     passages; no mask</td></tr>
 * <tr><td>labels 0, "nextToken"</td><td>[N, 1, T] INT32</td><td>next token ids; mask [N, T]: 1 where it is a
 *     target</td></tr>
 * <tr><td>labels 1, "nextSequence"</td><td>[N, K, T] INT32</td><td>at a {@code [Ret]} the rows of features 1 that are its
 *     positives, -1 for none; mask [N, T]: 1 at {@code [Ret]}</td></tr>
 * </table>
 *
 * <p>Masks are FLOAT. Passages with equal tokens are one: they share a number and a row, and are never negatives of each
 * other. K is the largest number of positives of a retrieval in the batch, at least 1. A batch without retrievals has one
 * passage of one padding token with the number -1.
 *
 * <p>All text is encoded when the iterator is built. An instance without any target, because its prompt leaves no room,
 * is left out and {@linkplain #skipped() counted}. Each pass is in a new order that depends only on the seed and the
 * number of the pass; {@link #reset()} begins the next one, unless nothing has been drawn from the current.
 *
 * <p>Works in {@link org.nd4j.linalg.dataset.AsyncMultiDataSetIterator}, into which DL4J puts it by itself. One thread at
 * a time.
 *
 * <p>Source: Lee et al., arXiv 2403.09024, sections 3 and 4.
 *
 * @serial exclude
 */
@SuppressWarnings("serial") // DL4J's pre-processors don't say that they are serializable
public final class CoSupervisionIterator implements MultiDataSetIterator {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(CoSupervisionIterator.class);
    private static final int NONE = -1;

    private final List<Instance> instances = new ArrayList<>();
    private final List<EncodedInstance> encoded = new ArrayList<>();
    private final LinkedHashMap<String, Integer> numbers = new LinkedHashMap<>();
    private final List<String> passageIds;
    private final int[][] passageTokens;
    private final int padding;
    private final int batchSize;
    private final boolean shuffle;
    private final long seed;
    private final RelatedPassages hardNegatives;
    private final RelatedPassages furtherPositives;
    private final int maxHardNegatives;
    private final int skipped;

    private @Nullable MultiDataSetPreProcessor preProcessor;
    private int pass;
    private int drawn;
    private int[] order;

    private CoSupervisionIterator(Builder builder) {
        InstanceEncoder encoder = builder.encoder;
        Map<String, Passage> passages = builder.data.passages();
        this.padding = encoder.specialTokens().padding();
        this.batchSize = builder.batchSize;
        this.shuffle = builder.shuffle;
        this.seed = builder.seed;
        this.hardNegatives = builder.hardNegatives;
        this.furtherPositives = builder.furtherPositives;
        this.maxHardNegatives = builder.maxHardNegatives;
        List<String> distinct = new ArrayList<>();
        List<int[]> tokens = new ArrayList<>();
        Map<List<Integer>, Integer> known = new HashMap<>();
        for (Passage passage : passages.values()) {
            int[] ids = encoder.passageTokens(passage);
            Integer number = known.putIfAbsent(Arrays.stream(ids).boxed().toList(), distinct.size());
            numbers.put(passage.id(), number == null ? distinct.size() : number);
            if (number == null) {
                distinct.add(passage.id());
                tokens.add(ids);
            }
        }
        this.passageIds = List.copyOf(distinct);
        this.passageTokens = tokens.toArray(int[][]::new);
        for (Instance instance : builder.data.instances()) {
            EncodedInstance encodedInstance = encoder.encode(instance, id -> passageTokens[passageNumber(id)]);
            if (encodedInstance.hasTargets()) {
                instances.add(instance);
                encoded.add(encodedInstance);
            }
        }
        this.skipped = builder.data.instances().size() - instances.size();
        if (instances.isEmpty()) {
            throw new IllegalArgumentException("data must have at least one instance with targets, found "
                    + (skipped == 0 ? "no instance" : skipped + " whose prompts leave no room for any"));
        }
        if (skipped > 0) {
            LOG.warn(
                    "{} of {} instances left out: their prompts leave no room for targets",
                    skipped,
                    skipped + instances.size());
        }
        this.order = order();
    }

    /**
     * Starts with the defaults.
     *
     * @param data instances and passages
     * @param encoder makes their tokens
     * @return a builder
     */
    public static Builder builder(CoSupervisionData data, InstanceEncoder encoder) {
        return new Builder(data, encoder);
    }

    /**
     * The number of instances in a pass.
     *
     * @return at least 1
     */
    public int size() {
        return instances.size();
    }

    /**
     * How many instances were left out because they have no target.
     *
     * @return 0 or more
     */
    public int skipped() {
        return skipped;
    }

    /**
     * The number of a passage, as it stands in features 2.
     *
     * @param id the passage's id
     * @return consecutive number of the distinct passages, in [0, {@link #passages()})
     * @throws IllegalArgumentException if there is no such passage
     */
    public int passageNumber(String id) {
        Integer number = numbers.get(id);
        if (number == null) {
            throw new IllegalArgumentException(
                    "passage ids must be among the " + numbers.size() + " passages, found \"" + id + '"');
        }
        return number;
    }

    /**
     * The id of a passage by its number.
     *
     * @param number in [0, {@link #passages()})
     * @return the id; of several passages with equal tokens the first one's
     * @throws IndexOutOfBoundsException if there is no such number
     */
    public String passageId(int number) {
        return passageIds.get(Objects.checkIndex(number, passageIds.size()));
    }

    /**
     * The number of distinct passages.
     *
     * @return 0 or more
     */
    public int passages() {
        return passageIds.size();
    }

    @Override
    public boolean hasNext() {
        return drawn < order.length;
    }

    @Override
    public org.nd4j.linalg.dataset.api.MultiDataSet next() {
        return next(batchSize);
    }

    /**
     * The next instances.
     *
     * @param num how many, at least 1; fewer at the end of a pass
     * @return the batch
     * @throws IllegalArgumentException if num isn't positive, or {@link RelatedPassages} name a passage that isn't there
     * @throws NoSuchElementException at the end of a pass
     */
    @Override
    public org.nd4j.linalg.dataset.api.MultiDataSet next(int num) {
        if (num < 1) {
            throw new IllegalArgumentException("num must be at least 1, found " + num);
        }
        if (!hasNext()) {
            throw new NoSuchElementException(
                    "the pass over " + order.length + " instances is over; reset() begins the next");
        }
        int end = Math.min(order.length, drawn + num);
        MultiDataSet batch = new Batch(Arrays.copyOfRange(order, drawn, end)).arrays();
        drawn = end;
        if (preProcessor != null) {
            preProcessor.preProcess(batch);
        }
        return batch;
    }

    @Override
    public void reset() {
        if (drawn > 0) {
            pass++;
            drawn = 0;
            order = order();
        }
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public void setPreProcessor(@Nullable MultiDataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }

    private int[] order() {
        int[] indices = new int[instances.size()];
        SplittableRandom random = new SplittableRandom(seed + pass);
        for (int i = 0; i < indices.length; i++) {
            int j = shuffle ? random.nextInt(i + 1) : i;
            indices[i] = indices[j];
            indices[j] = i;
        }
        return indices;
    }

    /** One batch: first its passages get their rows, then the arrays are filled. */
    private final class Batch {
        private final int[] members;
        private final LinkedHashMap<Integer, Integer> rows = new LinkedHashMap<>(); // number of a passage → its row
        private final List<List<Set<Integer>>> positives = new ArrayList<>(); // numbers, for each member's retrievals

        Batch(int[] members) {
            this.members = members;
            for (int member : members) {
                List<Set<Integer>> ofMember = new ArrayList<>();
                for (Retrieval retrieval : encoded.get(member).retrievals()) {
                    Set<Integer> numbersOfPositives = positives(instances.get(member), retrieval.segment());
                    numbersOfPositives.forEach(this::addRow);
                    ofMember.add(numbersOfPositives);
                }
                positives.add(ofMember);
            }
            for (int n = 0; n < members.length; n++) {
                List<Retrieval> retrievals = encoded.get(members[n]).retrievals();
                for (int r = 0; r < retrievals.size(); r++) {
                    addNegatives(
                            instances.get(members[n]),
                            retrievals.get(r).segment(),
                            positives.get(n).get(r));
                }
            }
        }

        private void addRow(int number) {
            rows.putIfAbsent(number, rows.size());
        }

        private Set<Integer> positives(Instance instance, int segment) {
            Set<Integer> found = new LinkedHashSet<>();
            found.add(passageNumber(
                    Objects.requireNonNull(instance.segments().get(segment).passageId())));
            furtherPositives.of(instance, segment).forEach(id -> found.add(passageNumber(id)));
            return found;
        }

        private void addNegatives(Instance instance, int segment, Set<Integer> excluded) {
            Set<Integer> found = new LinkedHashSet<>();
            List<String> ids = new ArrayList<>(instance.segments().get(segment).hardNegatives());
            ids.addAll(hardNegatives.of(instance, segment));
            for (String id : ids) {
                int number = passageNumber(id);
                if (found.size() < maxHardNegatives && !excluded.contains(number)) {
                    found.add(number);
                }
            }
            found.forEach(this::addRow);
        }

        MultiDataSet arrays() {
            int n = members.length;
            int steps = 0;
            int width = 1;
            for (int i = 0; i < n; i++) {
                steps = Math.max(steps, encoded.get(members[i]).length() - 1);
                for (Set<Integer> numbersOfPositives : positives.get(i)) {
                    width = Math.max(width, numbersOfPositives.size());
                }
            }
            int[] tokens = new int[n * steps];
            float[] tokensMask = new float[n * steps];
            int[] next = new int[n * steps];
            float[] nextMask = new float[n * steps];
            int[] columns = new int[n * width * steps];
            float[] columnsMask = new float[n * steps];
            Arrays.fill(tokens, padding);
            Arrays.fill(next, padding);
            Arrays.fill(columns, NONE);
            for (int i = 0; i < n; i++) {
                EncodedInstance instance = encoded.get(members[i]);
                for (int t = 0; t + 1 < instance.length(); t++) {
                    int at = i * steps + t;
                    tokens[at] = instance.token(t);
                    tokensMask[at] = 1;
                    next[at] = instance.token(t + 1);
                    nextMask[at] = instance.isTarget(t + 1) ? 1 : 0;
                }
                List<Retrieval> retrievals = instance.retrievals();
                for (int r = 0; r < retrievals.size(); r++) {
                    int position = retrievals.get(r).position();
                    columnsMask[i * steps + position] = 1;
                    int k = 0;
                    for (int number : positives.get(i).get(r)) {
                        columns[(i * width + k++) * steps + position] = Objects.requireNonNull(rows.get(number));
                    }
                }
            }
            INDArray[] passages = passages();
            return new MultiDataSet(
                    new INDArray[] {ints(tokens, n, steps), passages[0], passages[2]},
                    new INDArray[] {ints(next, n, 1, steps), ints(columns, n, width, steps)},
                    new INDArray[] {floats(tokensMask, n, steps), passages[1], null},
                    new INDArray[] {floats(nextMask, n, steps), floats(columnsMask, n, steps)});
        }

        /** Tokens, mask and numbers. */
        private INDArray[] passages() {
            if (rows.isEmpty()) {
                return new INDArray[] {
                    ints(new int[] {padding}, 1, 1), floats(new float[] {1}, 1, 1), ints(new int[] {NONE}, 1, 1)
                };
            }
            int[] ids = rows.keySet().stream().mapToInt(Integer::intValue).toArray(); // in order of the rows
            int length =
                    Arrays.stream(ids).map(id -> passageTokens[id].length).max().orElseThrow();
            int[] tokens = new int[ids.length * length];
            float[] mask = new float[ids.length * length];
            Arrays.fill(tokens, padding);
            for (int row = 0; row < ids.length; row++) {
                int[] passage = passageTokens[ids[row]];
                System.arraycopy(passage, 0, tokens, row * length, passage.length);
                Arrays.fill(mask, row * length, row * length + passage.length, 1);
            }
            return new INDArray[] {
                ints(tokens, ids.length, length), floats(mask, ids.length, length), ints(ids, ids.length, 1)
            };
        }

        private static INDArray ints(int[] values, long... shape) {
            return Nd4j.createFromArray(values).reshape(shape);
        }

        private static INDArray floats(float[] values, long... shape) {
            return Nd4j.createFromArray(values).reshape(shape);
        }
    }

    /** Sets batch size, order and where further passages come from. */
    public static final class Builder {
        private static final int DEFAULT_BATCH = 32;

        private final CoSupervisionData data;
        private final InstanceEncoder encoder;
        private int batchSize = DEFAULT_BATCH;
        private boolean shuffle = true;
        private long seed;
        private RelatedPassages hardNegatives = (instance, segment) -> List.of();
        private RelatedPassages furtherPositives = (instance, segment) -> List.of();
        private int maxHardNegatives = Integer.MAX_VALUE;

        private Builder(CoSupervisionData data, InstanceEncoder encoder) {
            this.data = Objects.requireNonNull(data, "data");
            this.encoder = Objects.requireNonNull(encoder, "encoder");
        }

        /**
         * Sets the number of instances in a batch.
         *
         * @param batchSize N, at least 1; 32 where not called
         * @return this
         * @throws IllegalArgumentException if it isn't positive
         */
        public Builder batchSize(int batchSize) {
            if (batchSize < 1) {
                throw new IllegalArgumentException("batchSize must be at least 1, found " + batchSize);
            }
            this.batchSize = batchSize;
            return this;
        }

        /**
         * Sets whether each pass is in a new order.
         *
         * @param shuffle false for the order of the data; true where not called
         * @return this
         */
        public Builder shuffle(boolean shuffle) {
            this.shuffle = shuffle;
            return this;
        }

        /**
         * Sets what decides the orders.
         *
         * @param seed any number; 0 where not called
         * @return this
         */
        public Builder seed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Adds hard negatives to those in the records, such as the best hits of an index. What is among the retrieval's
         * positives is left out.
         *
         * @param hardNegatives asked for each retrieval of each batch; none where not called
         * @return this
         */
        public Builder hardNegatives(RelatedPassages hardNegatives) {
            this.hardNegatives = Objects.requireNonNull(hardNegatives, "hardNegatives");
            return this;
        }

        /**
         * Limits the hard negatives.
         *
         * @param maxHardNegatives most for each retrieval, those in its record first; 0 for none, no limit where not
         *     called
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder maxHardNegatives(int maxHardNegatives) {
            if (maxHardNegatives < 0) {
                throw new IllegalArgumentException("maxHardNegatives must be at least 0, found " + maxHardNegatives);
            }
            this.maxHardNegatives = maxHardNegatives;
            return this;
        }

        /**
         * Adds positives to the passage in the record: other passages that would have done.
         *
         * @param furtherPositives asked for each retrieval of each batch; none where not called
         * @return this
         */
        public Builder furtherPositives(RelatedPassages furtherPositives) {
            this.furtherPositives = Objects.requireNonNull(furtherPositives, "furtherPositives");
            return this;
        }

        /**
         * Encodes all text.
         *
         * @return the iterator, at the start of its first pass
         * @throws IllegalArgumentException if there is no instance with targets, or a passage has no tokens
         */
        public CoSupervisionIterator build() {
            return new CoSupervisionIterator(this);
        }
    }
}
