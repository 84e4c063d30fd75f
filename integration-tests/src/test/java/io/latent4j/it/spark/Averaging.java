/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.spark;

import io.latent4j.contracts.Models;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Parameter averaging by DL4J on Spark, and what it has to come to.
 *
 * <p>A penalty over a minibatch is not a sum over its examples, so that k workers with a minibatch each do not equal one
 * machine with the k minibatches in one: they equal the average, over parameters and over the updater's state, of what k
 * single machines make of one step each.
 */
final class Averaging {
    private Averaging() {}

    /** A master that averages after each step of each worker. */
    static ParameterAveragingTrainingMaster.Builder everyStep(int workers) {
        return new ParameterAveragingTrainingMaster.Builder(workers, Component.EXAMPLES)
                .batchSizePerWorker(Component.EXAMPLES)
                .averagingFrequency(1)
                .saveUpdater(true)
                .rngSeed(1)
                .rddTrainingApproach(RDDTrainingApproach.Direct);
    }

    /** A copy of a network after an epoch of Spark on each of some lists of minibatches. */
    static Model onSpark(
            JavaSparkContext spark,
            Model network,
            ParameterAveragingTrainingMaster master,
            List<? extends List<MultiDataSet>> epochs) {
        Model copy = Models.copy(network);
        if (copy instanceof MultiLayerNetwork chain) {
            SparkDl4jMultiLayer trainer = new SparkDl4jMultiLayer(spark, chain, master);
            for (List<MultiDataSet> epoch : epochs) {
                trainer.fit(
                        spark.parallelize(epoch.stream().map(Averaging::single).toList(), epoch.size()));
            }
            return trainer.getNetwork();
        }
        SparkComputationGraph trainer = new SparkComputationGraph(spark, (ComputationGraph) copy, master);
        for (List<MultiDataSet> epoch : epochs) {
            trainer.fitMultiDataSet(spark.parallelize(epoch, epoch.size()));
        }
        return trainer.getNetwork();
    }

    /** For chains of layers. */
    static DataSet single(MultiDataSet data) {
        INDArray[] features = data.getFeaturesMaskArrays();
        INDArray[] labels = data.getLabelsMaskArrays();
        return new DataSet(
                data.getFeatures(0),
                data.getLabels(0),
                features == null ? null : features[0],
                labels == null ? null : labels[0]);
    }

    /** The same on one machine: each list of minibatches is one step, a minibatch for each worker. */
    static Model onOneMachine(Model network, List<? extends List<MultiDataSet>> steps) {
        Model averaged = Models.copy(network);
        for (List<MultiDataSet> step : steps) {
            List<Model> workers = new ArrayList<>();
            for (MultiDataSet minibatch : step) {
                Model worker = Models.copy(averaged); // of a graph with the iteration count 0, as on Spark's workers
                Models.fit(worker, minibatch);
                workers.add(worker);
            }
            averaged.setParams(mean(workers.stream().map(Model::params).toList()));
            if (Models.updaterState(averaged) != null) {
                Models.updaterState(averaged)
                        .assign(mean(workers.stream().map(Models::updaterState).toList()));
            }
            if (averaged instanceof MultiLayerNetwork chain) {
                chain.getLayerWiseConfigurations()
                        .setIterationCount(chain.getLayerWiseConfigurations().getIterationCount() + 1);
            } else {
                ComputationGraph graph = (ComputationGraph) averaged;
                graph.getConfiguration()
                        .setIterationCount(graph.getConfiguration().getIterationCount() + 1);
            }
        }
        return averaged;
    }

    private static INDArray mean(List<INDArray> arrays) {
        INDArray sum = arrays.get(0).dup();
        arrays.subList(1, arrays.size()).forEach(sum::addi);
        return sum.divi(arrays.size());
    }
}
