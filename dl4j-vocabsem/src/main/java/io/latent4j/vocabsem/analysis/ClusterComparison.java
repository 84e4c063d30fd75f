/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@link ClusterQuality} of the same states before and after a calibration.
 *
 * @param before quality of the states as the model makes them
 * @param after quality of the calibrated states
 */
public record ClusterComparison(ClusterQuality before, ClusterQuality after) {

    /**
     * Measures both, on the same sample of states.
     *
     * @param before [N, d], a state per row
     * @param after [N, e], the calibrated state of the same row; e need not be d
     * @param labels N labels, any numbers
     * @param options how to take the numbers
     * @return the comparison
     * @throws IllegalArgumentException if before and after differ in their number of rows, or as
     *     {@link ClusterQuality#of}
     */
    public static ClusterComparison of(INDArray before, INDArray after, int[] labels, ClusterQuality.Options options) {
        if (before.rank() != 2 || after.rank() != 2 || before.size(0) != after.size(0)) {
            throw new IllegalArgumentException("before and after must be matrices with the same number of rows, found "
                    + Arrays.toString(before.shape()) + " and " + Arrays.toString(after.shape()));
        }
        return new ClusterComparison(
                ClusterQuality.of(before, labels, options), ClusterQuality.of(after, labels, options));
    }

    /**
     * The numbers as an aligned plain text table.
     *
     * @return several lines, each ended by a newline
     */
    public String toTable() {
        return TextTable.aligned(
                        List.of("states", "points", "classes", "silhouette", "adjusted Rand index"),
                        List.of(row("before", before), row("after", after)))
                + before.options() + "\n";
    }

    private static List<String> row(String name, ClusterQuality quality) {
        return List.of(
                name,
                Integer.toString(quality.points()),
                Integer.toString(quality.classes()),
                String.format(Locale.ROOT, "%.4f", quality.silhouette()),
                String.format(Locale.ROOT, "%.4f", quality.adjustedRandIndex()));
    }

    /**
     * The numbers as CSV with a header and a line each for before and after, at full precision.
     *
     * @return three lines, each ended by a newline
     */
    public String toCsv() {
        return TextTable.csv(
                List.of("states", "points", "classes", "silhouette", "adjusted_rand_index"),
                List.of(line("before", before), line("after", after)));
    }

    private static List<?> line(String name, ClusterQuality quality) {
        return List.of(name, quality.points(), quality.classes(), quality.silhouette(), quality.adjustedRandIndex());
    }
}
