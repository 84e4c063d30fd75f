/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import io.latent4j.vocabsem.Similarity;
import io.latent4j.vocabsem.VocabularyLogits;
import io.latent4j.vocabsem.analysis.LensReport.Candidate;
import io.latent4j.vocabsem.analysis.LensReport.Gold;
import io.latent4j.vocabsem.analysis.LensReport.Position;
import io.latent4j.vocabsem.analysis.LensReport.Reading;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Compares states with bases, as many at a time as the byte budget allows, and keeps a few numbers of each. */
final class StateReader {

    private final INDArray bases;
    private final Similarity similarity;
    private final double scale;
    private final int topK;
    private final int blockRows;
    private final UnaryOperator<INDArray> transform;

    /** @param maxBytes for the scores of one block and their copy on the host */
    StateReader(
            INDArray bases,
            Similarity similarity,
            double scale,
            int topK,
            long maxBytes,
            UnaryOperator<INDArray> transform) {
        this.bases = bases;
        this.similarity = similarity;
        this.scale = scale;
        this.topK = (int) Math.min(topK, bases.size(0));
        long bytesPerState = 2 * bases.size(0) * bases.dataType().width();
        this.blockRows = (int) Math.max(1, Math.min(maxBytes / bytesPerState, 1 << 16));
        this.transform = transform;
    }

    /** The readings of a layer's states. */
    List<Reading> read(String layer, LayerStates states) {
        List<Reading> readings = new ArrayList<>(states.positions().size());
        int[] gold = states.gold();
        for (int from = 0; from < states.positions().size(); from += blockRows) {
            int to = Math.min(from + blockRows, states.positions().size());
            INDArray rows = states.rows().get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
            INDArray block = transform.apply(rows.castTo(bases.dataType()).dup('c'));
            if (block.rank() != 2 || block.size(0) != to - from || block.size(1) != bases.size(1)) {
                throw new IllegalArgumentException("States of layer " + layer + " must have the bases' width "
                        + bases.size(1) + ", found shape " + Arrays.toString(block.shape()) + " for " + (to - from)
                        + " states");
            }
            read(
                    layer,
                    block.castTo(bases.dataType()),
                    states.positions().subList(from, to),
                    gold == null ? null : Arrays.copyOfRange(gold, from, to),
                    readings);
        }
        return readings;
    }

    private void read(
            String layer, INDArray block, List<Position> positions, int @Nullable [] gold, List<Reading> readings) {
        INDArray scores = VocabularyLogits.of(block, bases, similarity, 1);
        INDArray rowMajor = scores.ordering() == 'c' ? scores : scores.dup('c');
        double[] row = new double[(int) bases.size(0)];
        float[] floats = rowMajor.dataType() == DataType.DOUBLE
                ? new float[0]
                : rowMajor.castTo(DataType.FLOAT).data().asFloat();
        double[] doubles =
                rowMajor.dataType() == DataType.DOUBLE ? rowMajor.data().asDouble() : new double[0];
        @Nullable Deviation[] deviations = gold == null ? new Deviation[positions.size()] : deviations(block, gold);
        for (int i = 0; i < positions.size(); i++) {
            for (int j = 0; j < row.length; j++) {
                int index = i * row.length + j;
                row[j] = doubles.length == 0 ? floats[index] : doubles[index];
            }
            readings.add(read(layer, positions.get(i), row, gold == null ? -1 : gold[i], deviations[i]));
        }
    }

    private Reading read(String layer, Position position, double[] scores, int gold, @Nullable Deviation deviation) {
        int[] nearest = new int[topK];
        int kept = 0;
        for (int token = 0; token < scores.length; token++) {
            if (!Double.isFinite(scores[token])) {
                throw new IllegalArgumentException(
                        "States of layer " + layer + " must be finite, found a similarity of " + scores[token]
                                + " with token " + token + " at " + position);
            }
            if (kept == topK && scores[token] <= scores[nearest[kept - 1]]) {
                continue;
            }
            int slot = kept == topK ? kept - 1 : kept++;
            for (; slot > 0 && scores[token] > scores[nearest[slot - 1]]; slot--) {
                nearest[slot] = nearest[slot - 1];
            }
            nearest[slot] = token;
        }
        double largest = scores[nearest[0]];
        double sum = 0;
        double weighted = 0;
        for (double score : scores) {
            double shifted = scale * (score - largest);
            double weight = Math.exp(shifted);
            sum += weight;
            weighted += weight * shifted;
        }
        double total = sum;
        List<Candidate> candidates = Arrays.stream(nearest)
                .mapToObj(token ->
                        new Candidate(token, scores[token], Math.exp(scale * (scores[token] - largest)) / total))
                .toList();
        double entropy = Math.max(0, Math.log(sum) - weighted / sum);
        return new Reading(
                position,
                candidates,
                entropy,
                deviation == null
                        ? null
                        : new Gold(
                                gold,
                                rank(scores, gold),
                                Math.exp(scale * (scores[gold] - largest)) / sum,
                                deviation.cosineDistance,
                                deviation.distance));
    }

    private static long rank(double[] scores, int gold) {
        long nearer = 0;
        for (int token = 0; token < scores.length; token++) {
            if (scores[token] > scores[gold] || (scores[token] == scores[gold] && token < gold)) {
                nearer++;
            }
        }
        return 1 + nearer;
    }

    private record Deviation(double cosineDistance, double distance) {}

    /** Of each state from its gold basis, null without one. */
    private @Nullable Deviation[] deviations(INDArray block, int[] gold) {
        double[] states = block.castTo(DataType.DOUBLE).data().asDouble();
        int[] known = Arrays.stream(gold).map(token -> Math.max(token, 0)).toArray();
        double[] golden = Nd4j.pullRows(bases, 1, known, 'c')
                .castTo(DataType.DOUBLE)
                .data()
                .asDouble();
        int width = (int) bases.size(1);
        Deviation[] deviations = new Deviation[gold.length];
        for (int i = 0; i < gold.length; i++) {
            double rr = 0;
            double ss = 0;
            double rs = 0;
            double difference = 0;
            for (int k = i * width; k < (i + 1) * width; k++) {
                rr += states[k] * states[k];
                ss += golden[k] * golden[k];
                rs += states[k] * golden[k];
                difference += (states[k] - golden[k]) * (states[k] - golden[k]);
            }
            double cosine = rr == 0 || ss == 0 ? 0 : rs / (Math.sqrt(rr) * Math.sqrt(ss));
            deviations[i] =
                    gold[i] < 0 ? null : new Deviation(1 - Math.max(-1, Math.min(1, cosine)), Math.sqrt(difference));
        }
        return deviations;
    }
}
