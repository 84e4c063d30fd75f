/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.resume;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.ParameterSpace;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultReference;
import org.deeplearning4j.arbiter.optimize.api.saving.ResultSaver;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.saver.local.FileModelSaver;

/** Saves models as Arbiter does and, when one is complete, the record that says so. */
final class RecordingSaver implements ResultSaver {
    private final FileModelSaver saver;
    private final Path folder;
    private final ParameterSpace<?> space;
    private final Map<String, String> description;
    private final String scoreFunction;

    RecordingSaver(FileModelSaver saver, Path folder, ParameterSpace<?> space, ScoreFunction scoreFunction) {
        this.saver = saver;
        this.folder = folder;
        this.space = space;
        this.description = FinishedCandidate.describe(space);
        this.scoreFunction = scoreFunction.getClass().getName();
    }

    @Override
    public ResultReference saveModel(OptimizationResult result, Object model) throws IOException {
        ResultReference reference = saver.saveModel(result, model);
        double[] flatParameters = result.getCandidate().getFlatParameters();
        new FinishedCandidate(
                        result.getIndex(),
                        result.getScore(),
                        result.getCandidateInfo().getStartTime(),
                        System.currentTimeMillis(),
                        flatParameters,
                        FinishedCandidate.values(space, flatParameters),
                        description,
                        scoreFunction)
                .write(folder.resolve(Integer.toString(result.getIndex())));
        return reference;
    }

    @Override
    public List<Class<?>> getSupportedCandidateTypes() {
        return saver.getSupportedCandidateTypes();
    }

    @Override
    public List<Class<?>> getSupportedModelTypes() {
        return saver.getSupportedModelTypes();
    }

    @Override
    public String toString() {
        return "RecordingSaver(" + saver + ")";
    }
}
