/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/**
 * What a network does with texts that it wasn't trained on, in inference mode.
 *
 * @param accuracy share of texts in the right class
 * @param macroF1 mean over all classes of F1; a class that is never predicted counts 0
 * @param loss mean cross-entropy in nats, without any penalty
 * @param isotropy IsoScore* of the token states of all hidden layers together
 * @param layerIsotropy IsoScore* of each hidden layer
 */
record Measurement(double accuracy, double macroF1, double loss, double isotropy, List<Double> layerIsotropy) {

    static Measurement of(ComputationGraph network, List<DataSet> batches) {
        Evaluation evaluation = new Evaluation();
        ShrinkageCovariance union = new ShrinkageCovariance(Classifier.WIDTH);
        List<ShrinkageCovariance> layers = new ArrayList<>();
        Classifier.HIDDEN.forEach(layer -> layers.add(new ShrinkageCovariance(Classifier.WIDTH)));
        double loss = 0;
        long texts = 0;
        for (DataSet batch : batches) {
            Map<String, INDArray> activations = activations(network, batch);
            INDArray predicted = activations.get(Classifier.OUTPUT);
            evaluation.eval(batch.getLabels(), predicted);
            loss += crossEntropy(batch.getLabels(), predicted);
            texts += batch.numExamples();
            INDArray mask = batch.getFeaturesMaskArray();
            for (int i = 0; i < layers.size(); i++) {
                // In double: with a strongly negative λ nearly all variance is in one direction, and float's rounding
                // of it
                // would drown the others.
                INDArray states = activations.get(Classifier.HIDDEN.get(i)).castTo(DataType.DOUBLE);
                Points points = Points.timeSteps(states, false, mask);
                layers.get(i).add(points);
                union.add(points);
            }
        }
        return new Measurement(
                evaluation.accuracy(),
                macroF1(evaluation),
                loss / texts,
                IsoScoreStar.ofCovariance(union.covariance()),
                layers.stream()
                        .map(layer -> IsoScoreStar.ofCovariance(layer.covariance()))
                        .toList());
    }

    private static Map<String, INDArray> activations(ComputationGraph network, DataSet batch) {
        network.setLayerMaskArrays(new INDArray[] {batch.getFeaturesMaskArray()}, null);
        try {
            return network.feedForward(new INDArray[] {batch.getFeatures()}, false);
        } finally {
            network.clearLayerMaskArrays();
        }
    }

    /** Σ −ln p(gold class); p is kept away from 0 as in DL4J's own loss. */
    private static double crossEntropy(INDArray labels, INDArray predicted) {
        double sum = 0;
        INDArray gold = labels.mul(predicted).sum(1);
        for (int i = 0; i < gold.length(); i++) {
            sum -= Math.log(Math.max(gold.getDouble(i), 1e-10));
        }
        return sum;
    }

    /** DL4J's macro average leaves out classes that are never predicted, which would reward ignoring them. */
    static double macroF1(Evaluation evaluation) {
        Map<Integer, Integer> hits = evaluation.truePositives();
        Map<Integer, Integer> wrongly = evaluation.falsePositives();
        Map<Integer, Integer> missed = evaluation.falseNegatives();
        return hits.keySet().stream()
                .mapToDouble(c -> {
                    double right = 2.0 * hits.get(c);
                    double all = right + wrongly.get(c) + missed.get(c);
                    return all == 0 ? 0 : right / all;
                })
                .average()
                .orElse(0);
    }
}
