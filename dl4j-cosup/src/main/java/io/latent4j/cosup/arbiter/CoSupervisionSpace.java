/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.arbiter;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pooling;
import io.latent4j.cosup.Similarity;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import org.deeplearning4j.arbiter.ComputationGraphSpace;
import org.deeplearning4j.arbiter.GraphConfiguration;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.TaskCreatorProvider;
import org.deeplearning4j.arbiter.optimize.parameter.FixedValue;
import org.deeplearning4j.arbiter.optimize.serde.jackson.JsonMapper;
import org.deeplearning4j.arbiter.task.ComputationGraphTaskCreator;
import org.deeplearning4j.arbiter.util.LeafUtils;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.annotation.JsonTypeInfo;

/**
 * A search space of co-supervised graphs: two towers, whose layers Arbiter searches as ever, and behind them the heads of
 * {@link CoSupervision#heads}, whose options are fixed or searched here.
 *
 * <pre>{@code
 * ComputationGraphSpace.Builder towers = new ComputationGraphSpace.Builder()
 *         .updater(new AdamSpace(new ContinuousParameterSpace(1e-4, 1e-2)))
 *         .addInputs("tokens", "passages")
 *         .addLayer("words", ..., "tokens").addLayer("gen", ..., "words")
 *         .addLayer("passageWords", ..., "passages").addLayer("emb", ..., "passageWords");
 * ParameterSpace<GraphConfiguration> space = new CoSupervisionSpace.Builder(towers, "gen", "emb", 256, vocabulary)
 *         .lossWeight(new ContinuousParameterSpace(0.001, 0.1))
 *         .memorySize(new DiscreteParameterSpace<>(0, 256, 1024))
 *         .pooling(new DiscreteParameterSpace<>(Pooling.LAST, Pooling.MEAN))
 *         .build();
 * }</pre>
 *
 * <p>Relation to a {@code ComputationGraphSpace}: that one gives the same vertex instances to all candidates, so that
 * options of vertices (here the size of the memory and the pooling) can't be searched. This one makes new vertices for
 * each candidate, and copies those that the towers bring.
 *
 * <p>Source of the method: Lee et al., "Semiparametric Token-Sequence Co-Supervision", ACL 2024, arXiv 2403.09024,
 * section 3.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.CLASS, include = JsonTypeInfo.As.PROPERTY, property = "@class")
public final class CoSupervisionSpace extends ComputationGraphSpace {
    static {
        TaskCreatorProvider.registerDefaultTaskCreatorClass(
                CoSupervisionSpace.class, ComputationGraphTaskCreator.class);
    }

    // The names of these fields are the JSON format
    private String generator = "";
    private String sequenceEncoder = "";
    private int stateSize;
    private int vocabularySize;
    private @Nullable ParameterSpace<Double> nextTokenWeight;
    private @Nullable ParameterSpace<Double> lossWeight;
    private @Nullable ParameterSpace<Similarity> similarity;
    private @Nullable ParameterSpace<Double> temperature;
    private @Nullable ParameterSpace<Boolean> symmetric;
    private @Nullable ParameterSpace<Integer> memorySize;
    private @Nullable ParameterSpace<Pooling> pooling;

    /** For JSON. */
    private CoSupervisionSpace() {
        super(new ComputationGraphSpace.Builder());
    }

    private CoSupervisionSpace(Builder builder) {
        super(builder.towers);
        if (networkOutputs != null) {
            throw new IllegalArgumentException("towers must have no outputs, as the heads are the graph's, found "
                    + Arrays.toString(networkOutputs));
        }
        if (backpropType != null) {
            throw new IllegalArgumentException(
                    "towers must have no backpropType: the heads can't be trained by truncated backpropagation, found "
                            + backpropType);
        }
        generator = builder.generator;
        sequenceEncoder = builder.sequenceEncoder;
        stateSize = builder.stateSize;
        vocabularySize = builder.vocabularySize;
        nextTokenWeight = builder.nextTokenWeight;
        lossWeight = builder.lossWeight;
        similarity = builder.similarity;
        temperature = builder.temperature;
        symmetric = builder.symmetric;
        memorySize = builder.memorySize;
        pooling = builder.pooling;
        // Again, as the super class counted before there were any
        numParameters = LeafUtils.countUniqueParameters(collectLeaves());
    }

    /**
     * Makes the configuration of a graph from a candidate's values.
     *
     * @param values the candidate, each in [0, 1]
     * @return a new configuration, which shares no layer and no vertex with any other
     * @throws IllegalArgumentException if a value is outside the range of its option
     */
    @Override
    public GraphConfiguration getValue(double[] values) {
        GraphBuilder graph = randomGlobalConf(values).graphBuilder().addInputs(networkInputs);
        for (LayerConf layer : layerSpaces) {
            graph.addLayer(
                    layer.getLayerName(),
                    layer.getLayerSpace().getValue(values),
                    layer.getPreProcessor(),
                    layer.getInputs());
        }
        for (VertexConf vertex : vertices) {
            graph.addVertex(vertex.getVertexName(), vertex.getGraphVertex().clone(), vertex.getInputs());
        }
        CoSupervision.heads(graph, heads(values));
        if (inputTypes != null) {
            graph.setInputTypes(inputTypes.getValue(values));
        }
        ComputationGraphConfiguration configuration =
                graph.validateOutputLayerConfig(validateOutputLayerConfig).build();
        if (trainingWorkspaceMode != null) {
            configuration.setTrainingWorkspaceMode(trainingWorkspaceMode);
        }
        if (inferenceWorkspaceMode != null) {
            configuration.setInferenceWorkspaceMode(inferenceWorkspaceMode);
        }
        return new GraphConfiguration(configuration, earlyStoppingConfiguration, numEpochs);
    }

    private CoSupervision.Heads heads(double[] values) {
        CoSupervision.Heads.Builder heads =
                new CoSupervision.Heads.Builder(generator, sequenceEncoder, stateSize, vocabularySize);
        Contrast contrast = Contrast.PAPER;
        if (similarity != null) {
            contrast = contrast.withSimilarity(similarity.getValue(values));
        }
        if (temperature != null) {
            contrast = contrast.withTemperature(temperature.getValue(values));
        }
        if (symmetric != null) {
            contrast = contrast.withSymmetric(symmetric.getValue(values));
        }
        heads.contrast(contrast);
        if (nextTokenWeight != null) {
            heads.nextTokenWeight(nextTokenWeight.getValue(values));
        }
        if (lossWeight != null) {
            heads.lossWeight(lossWeight.getValue(values));
        }
        if (memorySize != null) {
            heads.memorySize(memorySize.getValue(values));
        }
        if (pooling != null) {
            heads.pooling(pooling.getValue(values));
        }
        return heads.build();
    }

    /**
     * Reads a space from JSON, as {@code toJson} writes it.
     *
     * @param json the text
     * @return the space
     * @throws IllegalArgumentException if it is no such text
     */
    public static CoSupervisionSpace fromJson(String json) {
        try {
            return JsonMapper.getMapper().readValue(json, CoSupervisionSpace.class);
        } catch (IOException e) {
            throw new IllegalArgumentException("json must be that of a CoSupervisionSpace: " + e.getMessage(), e);
        }
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof CoSupervisionSpace that
                && super.equals(that)
                && generator.equals(that.generator)
                && sequenceEncoder.equals(that.sequenceEncoder)
                && stateSize == that.stateSize
                && vocabularySize == that.vocabularySize
                && Objects.equals(nextTokenWeight, that.nextTokenWeight)
                && Objects.equals(lossWeight, that.lossWeight)
                && Objects.equals(similarity, that.similarity)
                && Objects.equals(temperature, that.temperature)
                && Objects.equals(symmetric, that.symmetric)
                && Objects.equals(memorySize, that.memorySize)
                && Objects.equals(pooling, that.pooling);
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                super.hashCode(),
                generator,
                sequenceEncoder,
                stateSize,
                vocabularySize,
                nextTokenWeight,
                lossWeight,
                similarity,
                temperature,
                symmetric,
                memorySize,
                pooling);
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof CoSupervisionSpace;
    }

    @Override
    public String toString() {
        return super.toString() + "Heads of co-supervision: generator " + generator + ", sequence encoder "
                + sequenceEncoder + ", state size " + stateSize + ", vocabulary size " + vocabularySize + "\n";
    }

    /** Builder of {@link CoSupervisionSpace}; what is not set keeps the default of {@code CoSupervision.Heads}. */
    public static final class Builder {
        private final ComputationGraphSpace.Builder towers;
        private final String generator;
        private final String sequenceEncoder;
        private final int stateSize;
        private final int vocabularySize;
        private @Nullable ParameterSpace<Double> nextTokenWeight;
        private @Nullable ParameterSpace<Double> lossWeight;
        private @Nullable ParameterSpace<Similarity> similarity;
        private @Nullable ParameterSpace<Double> temperature;
        private @Nullable ParameterSpace<Boolean> symmetric;
        private @Nullable ParameterSpace<Integer> memorySize;
        private @Nullable ParameterSpace<Pooling> pooling;

        /**
         * Creates a builder around the space of both towers.
         *
         * @param towers layers and vertices of both towers, with the inputs {@value CoSupervision#TOKENS} and
         *     {@value CoSupervision#PASSAGES} and no outputs; input types, where they are wanted, are those of {@link
         *     CoSupervision#heads}
         * @param generator name of the layer whose states {@code [N, d, T]} predict both
         * @param sequenceEncoder name of the layer whose states {@code [M, d, S]} make the keys
         * @param stateSize d, the same for both
         * @param vocabularySize number of tokens
         */
        public Builder(
                ComputationGraphSpace.Builder towers,
                String generator,
                String sequenceEncoder,
                int stateSize,
                int vocabularySize) {
            this.towers = Objects.requireNonNull(towers, "towers must not be null");
            this.generator = Objects.requireNonNull(generator, "generator must not be null");
            this.sequenceEncoder = Objects.requireNonNull(sequenceEncoder, "sequenceEncoder must not be null");
            this.stateSize = stateSize;
            this.vocabularySize = vocabularySize;
        }

        /**
         * Fixes the weight of the next-token loss.
         *
         * @param nextTokenWeight 0 to 1e30
         * @return this
         */
        public Builder nextTokenWeight(double nextTokenWeight) {
            this.nextTokenWeight = new FixedValue<>(nextTokenWeight);
            return this;
        }

        /**
         * Fixes λ.
         *
         * @param lossWeight 0 to 1e30
         * @return this
         */
        public Builder lossWeight(double lossWeight) {
            return lossWeight(new FixedValue<>(lossWeight));
        }

        /**
         * Searches λ, the weight of the next-sequence loss.
         *
         * @param lossWeight space of such values: 0 to 1e30
         * @return this
         */
        public Builder lossWeight(ParameterSpace<Double> lossWeight) {
            this.lossWeight = lossWeight;
            return this;
        }

        /**
         * Fixes the similarity of queries and keys.
         *
         * @param similarity DOT or COSINE
         * @return this
         */
        public Builder similarity(Similarity similarity) {
            return similarity(new FixedValue<>(similarity));
        }

        /**
         * Searches the similarity of queries and keys.
         *
         * @param similarity space of such values: DOT or COSINE
         * @return this
         */
        public Builder similarity(ParameterSpace<Similarity> similarity) {
            this.similarity = similarity;
            return this;
        }

        /**
         * Fixes the divisor of the similarities.
         *
         * @param temperature 1e-30 to 1e30
         * @return this
         */
        public Builder temperature(double temperature) {
            return temperature(new FixedValue<>(temperature));
        }

        /**
         * Searches the divisor of the similarities.
         *
         * @param temperature space of such values: 1e-30 to 1e30
         * @return this
         */
        public Builder temperature(ParameterSpace<Double> temperature) {
            this.temperature = temperature;
            return this;
        }

        /**
         * Fixes whether keys are contrasted with queries as well.
         *
         * @param symmetric true if they are
         * @return this
         */
        public Builder symmetric(boolean symmetric) {
            return symmetric(new FixedValue<>(symmetric));
        }

        /**
         * Searches whether keys are contrasted with queries as well.
         *
         * @param symmetric space of such values: true if they are
         * @return this
         */
        public Builder symmetric(ParameterSpace<Boolean> symmetric) {
            this.symmetric = symmetric;
            return this;
        }

        /**
         * Fixes how many keys of past minibatches serve as further negatives.
         *
         * @param memorySize at least 0
         * @return this
         */
        public Builder memorySize(int memorySize) {
            return memorySize(new FixedValue<>(memorySize));
        }

        /**
         * Searches how many keys of past minibatches serve as further negatives.
         *
         * @param memorySize space of such values: at least 0
         * @return this
         */
        public Builder memorySize(ParameterSpace<Integer> memorySize) {
            this.memorySize = memorySize;
            return this;
        }

        /**
         * Fixes how the encoder's states become keys.
         *
         * @param pooling LAST, MEAN or MAX
         * @return this
         */
        public Builder pooling(Pooling pooling) {
            return pooling(new FixedValue<>(pooling));
        }

        /**
         * Searches how the encoder's states become keys.
         *
         * @param pooling space of such values: LAST, MEAN or MAX
         * @return this
         */
        public Builder pooling(ParameterSpace<Pooling> pooling) {
            this.pooling = pooling;
            return this;
        }

        /**
         * Builds the space.
         *
         * @return the space
         * @throws IllegalArgumentException if the towers have outputs or a backpropType
         */
        public CoSupervisionSpace build() {
            return new CoSupervisionSpace(this);
        }
    }
}
