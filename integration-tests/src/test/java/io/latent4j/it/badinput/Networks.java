/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import io.latent4j.cosup.CoSupervision;
import io.latent4j.cosup.SequenceStackVertex;
import io.latent4j.cosup.SequenceUnstackVertex;
import io.latent4j.istar.CosRegLayer;
import io.latent4j.istar.IStarLayer;
import io.latent4j.istar.IStarVertex;
import io.latent4j.vocabsem.LastStepPooling;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.RnnSemanticLogits;
import io.latent4j.vocabsem.SemanticLogits;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small networks that together have all of our components, and a minibatch for each. */
enum Networks {
    FEED_FORWARD {
        @Override
        String json() {
            return base().list()
                    .layer(new DenseLayer.Builder().nOut(4).build())
                    .layer(new IStarLayer.Builder().lambda(0.5).build())
                    .layer(new CosRegLayer.Builder().lambda(0.5).build())
                    .layer(new NeuralClustering.Builder().build())
                    .layer(new SemanticLogits.Builder(LossFunction.MCXENT)
                            .nOut(2)
                            .trainableBases(true)
                            .trainableScale(true)
                            .scale(5)
                            .build())
                    .setInputType(InputType.feedForward(3))
                    .build()
                    .toJson();
        }

        @Override
        MultiDataSet batch() {
            return new MultiDataSet(Nd4j.rand(5, 3), classes(5));
        }
    },
    RECURRENT {
        @Override
        String json() {
            return base().list()
                    .layer(new LSTM.Builder().nOut(4).build())
                    .layer(new IStarLayer.Builder()
                            .lambda(0.5)
                            .maskPadding(true)
                            .build())
                    .layer(new NeuralClustering.Builder()
                            .residual(true)
                            .layerNormAffine(true)
                            .build())
                    .layer(new RnnSemanticLogits.Builder(LossFunction.MCXENT)
                            .nOut(2)
                            .trainableBases(true)
                            .build())
                    .setInputType(InputType.recurrent(3))
                    .build()
                    .toJson();
        }

        @Override
        MultiDataSet batch() {
            INDArray labels = Nd4j.zeros(5, 2, 6);
            for (int i = 0; i < 5; i++) {
                for (int step = 0; step < 6; step++) {
                    labels.putScalar(i, (i + step) % 2, step, 1);
                }
            }
            return new MultiDataSet(
                    new INDArray[] {Nd4j.rand(5, 3, 6)},
                    new INDArray[] {labels},
                    new INDArray[] {Nd4j.ones(5, 6)},
                    new INDArray[] {Nd4j.ones(5, 6)});
        }
    },
    POOLED {
        @Override
        String json() {
            return base().list()
                    .layer(new LSTM.Builder().nOut(4).build())
                    .layer(new LastStepPooling.Builder().build())
                    .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                            .nOut(2)
                            .activation(Activation.SOFTMAX)
                            .build())
                    .setInputType(InputType.recurrent(3))
                    .build()
                    .toJson();
        }

        @Override
        MultiDataSet batch() {
            return new MultiDataSet(Nd4j.rand(5, 3, 6), classes(5));
        }
    },
    CO_SUPERVISED {
        @Override
        boolean isGraph() {
            return true;
        }

        @Override
        String json() {
            return CoSupervision.heads(
                            base().graphBuilder()
                                    .addInputs(CoSupervision.TOKENS, CoSupervision.PASSAGES)
                                    .addVertex(
                                            "both",
                                            new SequenceStackVertex(),
                                            CoSupervision.TOKENS,
                                            CoSupervision.PASSAGES)
                                    .addLayer(
                                            "words",
                                            new EmbeddingSequenceLayer.Builder()
                                                    .nIn(VOCABULARY)
                                                    .nOut(3)
                                                    .build(),
                                            "both")
                                    .addLayer(
                                            "states",
                                            new LSTM.Builder().nIn(3).nOut(4).build(),
                                            "words")
                                    .addVertex("istar", new IStarVertex.Builder().build(), "states")
                                    .addVertex(
                                            "gen",
                                            new SequenceUnstackVertex(0),
                                            "istar",
                                            CoSupervision.TOKENS,
                                            CoSupervision.PASSAGES)
                                    .addVertex(
                                            "emb",
                                            new SequenceUnstackVertex(1),
                                            "istar",
                                            CoSupervision.TOKENS,
                                            CoSupervision.PASSAGES),
                            heads().build())
                    .build()
                    .toJson();
        }

        @Override
        MultiDataSet batch() {
            INDArray next = Nd4j.valueArrayOf(new long[] {2, 2, 4}, -1, org.nd4j.linalg.api.buffer.DataType.INT32);
            next.putScalar(0, 0, 1, 0);
            next.putScalar(1, 0, 2, 1);
            INDArray marks = Nd4j.zeros(2, 4);
            marks.putScalar(0, 1, 1);
            marks.putScalar(1, 2, 1);
            return new MultiDataSet(
                    new INDArray[] {
                        tokens(2, 4),
                        tokens(3, 5),
                        Nd4j.createFromArray(7, 8, 9).reshape(3, 1)
                    },
                    new INDArray[] {tokens(2, 4).reshape(2, 1, 4), next},
                    new INDArray[] {Nd4j.ones(2, 4), Nd4j.ones(3, 5), null},
                    new INDArray[] {Nd4j.ones(2, 4), marks});
        }
    };

    static final int VOCABULARY = 6;

    /** A configuration as JSON. */
    abstract String json();

    /** A minibatch for it. */
    abstract MultiDataSet batch();

    boolean isGraph() {
        return false;
    }

    /** The network of a configuration, without parameters. */
    Model read(String json) {
        return isGraph()
                ? new ComputationGraph(ComputationGraphConfiguration.fromJson(json))
                : new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json));
    }

    static CoSupervision.Heads.Builder heads() {
        return new CoSupervision.Heads.Builder("gen", "emb", 4, VOCABULARY);
    }

    static NeuralNetConfiguration.Builder base() {
        return new NeuralNetConfiguration.Builder().seed(3).updater(new RmsProp(1e-3));
    }

    static INDArray classes(int rows) {
        INDArray labels = Nd4j.zeros(rows, 2);
        for (int i = 0; i < rows; i++) {
            labels.putScalar(i, i % 2, 1);
        }
        return labels;
    }

    private static INDArray tokens(int rows, int steps) {
        int[] tokens = new int[rows * steps];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = i % VOCABULARY;
        }
        return Nd4j.createFromArray(tokens).reshape(rows, steps);
    }

    /**
     * One training step.
     *
     * @throws AssertionError if it succeeds and leaves numbers that aren't finite, or fails and has changed parameters
     */
    static void step(Model model, MultiDataSet data) throws ReflectiveOperationException {
        Finite.require("parameters before training", model.params());
        INDArray before = model.params().dup();
        try {
            if (model instanceof ComputationGraph graph) {
                graph.fit(data);
            } else {
                ((MultiLayerNetwork) model)
                        .fit(
                                data.getFeatures(0),
                                data.getLabels(0),
                                data.getFeaturesMaskArrays() == null ? null : data.getFeaturesMaskArray(0),
                                data.getLabelsMaskArrays() == null ? null : data.getLabelsMaskArray(0));
            }
        } catch (RuntimeException e) {
            if (!before.equals(model.params())) {
                throw new AssertionError("parameters have changed before " + e, e);
            }
            throw e;
        }
        Finite.require("score", model.score());
        Finite.require("parameters after training", model.params());
    }

    /** The largest number of parameters that a part of the network would get. */
    static long parameters(Model model) {
        long largest = 0;
        if (model instanceof ComputationGraph graph) {
            for (org.deeplearning4j.nn.conf.graph.GraphVertex vertex :
                    graph.getConfiguration().getVertices().values()) {
                largest = Math.max(largest, vertex.numParams(false));
            }
        } else {
            for (NeuralNetConfiguration conf :
                    ((MultiLayerNetwork) model).getLayerWiseConfigurations().getConfs()) {
                largest = Math.max(largest, conf.getLayer().initializer().numParams(conf));
            }
        }
        return largest;
    }
}
