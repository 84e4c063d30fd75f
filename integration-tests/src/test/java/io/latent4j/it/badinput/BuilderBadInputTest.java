/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.SequencePoolingVertex;
import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.CoSupervisionIterator;
import io.latent4j.cosup.data.Instance;
import io.latent4j.cosup.data.InstanceEncoder;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SpecialTokens;
import io.latent4j.cosup.data.TextTokenizer;
import io.latent4j.istar.CosRegLayer;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import io.latent4j.vocabsem.ClusteringAdaptation;
import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.LastStepPooling;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticLogits;
import io.latent4j.vocabsem.TokenVectors;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration.ListBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Builders with any options: what they build works, or there is a clear exception. */
class BuilderBadInputTest {
    private enum Kind {
        I_STAR_LAYER(IStarLayer.Builder::new) {
            @Override
            void use(Object built) throws Exception {
                chain((Layer) built, true, false);
                chain((Layer) built, false, false);
            }
        },
        COS_REG_LAYER(CosRegLayer.Builder::new) {
            @Override
            void use(Object built) throws Exception {
                chain((Layer) built, true, false);
                chain((Layer) built, false, false);
            }
        },
        I_STAR_VERTEX(IStarVertex.Builder::new) {
            @Override
            void use(Object built) throws Exception {
                GraphBuilder graph = Networks.base()
                        .graphBuilder()
                        .addInputs("in")
                        .addLayer("dense", new DenseLayer.Builder().nOut(4).build(), "in")
                        .addVertex("istar", (IStarVertex) built, "dense")
                        .addLayer(
                                "out",
                                new OutputLayer.Builder(LossFunction.MCXENT)
                                        .nOut(2)
                                        .activation(Activation.SOFTMAX)
                                        .build(),
                                "istar")
                        .setOutputs("out")
                        .setInputTypes(InputType.feedForward(3));
                train(new ComputationGraph(graph.build()), new MultiDataSet(Nd4j.rand(5, 3), Networks.classes(5)));
            }
        },
        NEURAL_CLUSTERING(NeuralClustering.Builder::new) {
            @Override
            void use(Object built) throws Exception {
                chain((Layer) built, true, false);
                chain((Layer) built, false, false);
            }
        },
        LAST_STEP_POOLING(LastStepPooling.Builder::new) {
            @Override
            void use(Object built) throws Exception {
                train(
                        Networks.base()
                                .list()
                                .layer(new LSTM.Builder().nOut(4).build())
                                .layer((Layer) built)
                                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                                        .nOut(2)
                                        .activation(Activation.SOFTMAX)
                                        .build()),
                        InputType.recurrent(3),
                        Networks.POOLED.batch());
            }
        },
        SEMANTIC_LOGITS(() -> new SemanticLogits.Builder().trainableBases(true)) {
            @Override
            void use(Object built) throws Exception {
                chain((Layer) built, true, true);
            }
        },
        RNN_SEMANTIC_LOGITS(() -> new RnnSemanticLogits.Builder().trainableBases(true)) {
            @Override
            void use(Object built) throws Exception {
                chain((Layer) built, false, true);
            }
        },
        CO_SUPERVISION(Networks::heads) {
            @Override
            void use(Object built) throws Exception {
                GraphBuilder graph = Networks.base()
                        .graphBuilder()
                        .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES)
                        .addLayer("words", embedding(), CoSupervision.TOKENS)
                        .addLayer("gen", new LSTM.Builder().nIn(3).nOut(4).build(), "words")
                        .addLayer("passageWords", embedding(), CoSupervision.PASSAGES)
                        .addLayer("emb", new LSTM.Builder().nIn(3).nOut(4).build(), "passageWords");
                train(
                        new ComputationGraph(CoSupervision.heads(graph, (CoSupervision.Heads) built)
                                .build()),
                        Networks.CO_SUPERVISED.batch());
            }
        },
        LABEL_WORDS(() -> LabelWords.builder().label("a", 1)) {
            @Override
            void use(Object built) throws Exception {
                SemanticBases.fromHead(Nd4j.rand(4, 9)).forLabels((LabelWords) built);
            }
        },
        SEMANTIC_BASES(() -> SemanticBases.head(TokenVectors.columnsOf(Nd4j.rand(4, 9)))) {
            @Override
            void use(Object built) throws Exception {
                Finite.require("bases", ((SemanticBases) built).matrix());
            }
        },
        CLUSTERING_ADAPTATION(ClusteringAdaptation.Builder::new) {
            @Override
            void use(Object built) {
                // Takes as long as it is told to
            }
        },
        INSTANCE_ENCODER(() -> InstanceEncoder.builder(TOKENIZER, SpecialTokens.after(9))) {
            @Override
            void use(Object built) {
                CoSupervisionIterator.builder(DATA, (InstanceEncoder) built)
                        .build()
                        .next();
            }
        },
        CO_SUPERVISION_ITERATOR(() -> CoSupervisionIterator.builder(
                DATA, InstanceEncoder.builder(TOKENIZER, SpecialTokens.after(9)).build())) {
            @Override
            void use(Object built) {
                ((CoSupervisionIterator) built).next();
            }
        };

        private final Supplier<Object> start;

        Kind(Supplier<Object> start) {
            this.start = start;
        }

        abstract void use(Object built) throws Exception;
    }

    private static final TextTokenizer TOKENIZER = new TextTokenizer() {
        @Override
        public int[] encode(String text) {
            return text.chars().map(character -> character % 9).toArray();
        }

        @Override
        public String decode(int[] ids) {
            return Arrays.toString(ids);
        }

        @Override
        public int vocabularySize() {
            return 9;
        }
    };

    private static final CoSupervisionData DATA = new CoSupervisionData(
            List.of(
                    new Instance("where", List.of(Instance.Segment.grounded("in oslo", "a")), ""),
                    new Instance("what", List.of(new Instance.Segment("it", "b", List.of("a"))), "yes")),
            Map.of("a", new Passage("a", "oslo is there"), "b", new Passage("b", "it is this")));

    private static EmbeddingSequenceLayer embedding() {
        return new EmbeddingSequenceLayer.Builder()
                .nIn(Networks.VOCABULARY)
                .nOut(3)
                .build();
    }

    /** A network of a hidden layer, the layer, and an output layer where it is none. */
    private static void chain(Layer layer, boolean feedForward, boolean output) throws Exception {
        ListBuilder list = Networks.base()
                .list()
                .layer(
                        feedForward
                                ? new DenseLayer.Builder().nOut(4).build()
                                : new LSTM.Builder().nOut(4).build())
                .layer(layer.clone());
        if (!output) {
            list.layer(
                    feedForward
                            ? new OutputLayer.Builder(LossFunction.MCXENT)
                                    .nOut(2)
                                    .activation(Activation.SOFTMAX)
                                    .build()
                            : new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                    .nOut(2)
                                    .activation(Activation.SOFTMAX)
                                    .build());
        }
        train(
                list,
                feedForward ? InputType.feedForward(3) : InputType.recurrent(3),
                (feedForward ? Networks.FEED_FORWARD : Networks.RECURRENT).batch());
    }

    private static void train(ListBuilder list, InputType input, MultiDataSet batch) throws Exception {
        train(new MultiLayerNetwork(list.setInputType(input).build()), batch);
    }

    private static void train(Model model, MultiDataSet batch) throws Exception {
        if (Networks.parameters(model) < 1_000_000) {
            model.init();
            Networks.step(model, batch);
        }
    }

    @Provide
    Arbitrary<Kind> kinds() {
        return Arbitraries.of(Kind.class);
    }

    @Property(seed = "50")
    void builders(@ForAll("kinds") Kind kind, @ForAll long seed, @ForAll @IntRange(max = 3) int options) {
        Sweep.attempt("builders", () -> {
            Object builder = kind.start.get();
            OddValues values = new OddValues(seed);
            List<Method> setters = setters(builder);
            for (int i = 0; i < options; i++) {
                values.call(setters.get((int) Math.floorMod(seed * (i + 17), (long) setters.size())), builder);
            }
            kind.use(values.call(builder.getClass().getMethod("build"), builder));
        });
    }

    /** Options of ours; those that builders inherit are DL4J's. */
    private static List<Method> setters(Object builder) {
        return Arrays.stream(builder.getClass().getMethods())
                .filter(method -> method.getDeclaringClass().getName().startsWith("io.latent4j.")
                        && method.getParameterCount() > 0
                        && !method.isBridge()
                        && !Modifier.isStatic(method.getModifiers()))
                .sorted(Comparator.comparing(Method::toString))
                .toList();
    }

    @Property(seed = "51")
    void heads(@ForAll long seed) {
        Sweep.attempt("constructors", () -> {
            OddValues values = new OddValues(seed);
            values.call(CoSupervision.Heads.Builder.class.getConstructors()[0], null);
            values.call(SequencePoolingVertex.class.getConstructors()[(int) Math.floorMod(seed, 3L)], null);
            values.call(SpecialTokens.class.getConstructors()[0], null);
            values.call(Passage.class.getConstructors()[0], null);
        });
    }
}
