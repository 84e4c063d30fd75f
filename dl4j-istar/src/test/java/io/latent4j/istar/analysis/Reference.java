/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.latent4j.istar.analysis.IsotropyReport.Dimension;
import io.latent4j.istar.analysis.IsotropyReport.LayerIsotropy;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.math3.linear.MatrixUtils;
import org.apache.commons.math3.linear.SingularValueDecomposition;
import org.apache.commons.math3.stat.correlation.Covariance;
import org.apache.commons.math3.stat.descriptive.moment.Mean;
import org.apache.commons.math3.stat.descriptive.moment.StandardDeviation;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a report must say, from the definitions, on plain double arrays with points as rows. */
final class Reference {

    private Reference() {}

    /** IsoScore* as the paper's Algorithm 1 has it: singular values of the covariance and their isotropy defect. */
    static double isoScoreStar(double[][] points) {
        double[] singular = singularValues(points);
        int n = singular.length;
        double norm = 0;
        for (double s : singular) {
            norm += s * s;
        }
        double defect = 0;
        for (double s : singular) {
            double normalised = Math.sqrt(n) * s / Math.sqrt(norm);
            defect += (normalised - 1) * (normalised - 1);
        }
        double delta = Math.sqrt(defect) / Math.sqrt(2 * (n - Math.sqrt(n)));
        double k = n - delta * delta * (n - Math.sqrt(n));
        return (k * k - n) / (n * (n - 1.0));
    }

    static double effectiveRank(double[][] points) {
        double sum = 0;
        double squares = 0;
        for (double s : singularValues(points)) {
            sum += s;
            squares += s * s;
        }
        return sum * sum / squares;
    }

    private static double[] singularValues(double[][] points) {
        return new SingularValueDecomposition(new Covariance(points).getCovarianceMatrix()).getSingularValues();
    }

    /** Mean cosine over all pairs, and its standard deviation. */
    static double[] allCosines(double[][] points) {
        List<Double> cosines = new ArrayList<>();
        for (int i = 0; i < points.length; i++) {
            for (int j = 0; j < i; j++) {
                double cosine = MatrixUtils.createRealVector(points[i]).cosine(MatrixUtils.createRealVector(points[j]));
                cosines.add(cosine);
            }
        }
        double[] values = cosines.stream().mapToDouble(Double::doubleValue).toArray();
        return new double[] {new Mean().evaluate(values), new StandardDeviation().evaluate(values)};
    }

    /**
     * Compares an entry whose sample holds all points with the definitions. {@code tolerance} is relative and covers the
     * rounding of float32 moments; the cosine of {@code pairs} random pairs may be five standard errors off.
     */
    static void assertEntry(double[][] points, LayerIsotropy entry, int pairs, double tolerance) {
        assertEquals(points.length, entry.points());
        assertEquals(points[0].length, entry.width());
        assertEquals(isoScoreStar(points), entry.isoScoreStar(), tolerance, "IsoScore*");
        assertEquals(effectiveRank(points), entry.effectiveRank(), tolerance * points[0].length, "effective rank");
        double dimension = TwoNNTest.reference(points, 0.1);
        assertEquals(dimension, entry.intrinsicDimension(), 1e-9 * dimension, "TwoNN");
        double[] cosines = allCosines(points);
        assertEquals(cosines[0], entry.meanCosine(), 5 * cosines[1] / Math.sqrt(pairs), "mean cosine");
        for (Dimension d : entry.dimensions()) {
            double[] values = MatrixUtils.createRealMatrix(points).getColumn(d.index());
            double deviation = new StandardDeviation().evaluate(values);
            assertEquals(new Mean().evaluate(values), d.mean(), tolerance * (deviation + Math.abs(d.mean())));
            assertEquals(deviation, d.standardDeviation(), tolerance * deviation);
        }
        assertEquals(points[0].length, entry.dimensions().size());
    }

    /** The time steps of [mb, n, T] whose mask is 1, example by example. */
    static double[][] steps(INDArray activations, INDArray mask) {
        List<double[]> rows = new ArrayList<>();
        for (int example = 0; example < activations.size(0); example++) {
            for (int t = 0; t < activations.size(2); t++) {
                if (mask.getDouble(example, t) == 1) {
                    double[] row = new double[(int) activations.size(1)];
                    for (int k = 0; k < row.length; k++) {
                        row[k] = activations.getDouble(example, k, t);
                    }
                    rows.add(row);
                }
            }
        }
        return rows.toArray(double[][]::new);
    }

    static double[][] concat(double[][]... parts) {
        List<double[]> rows = new ArrayList<>();
        for (double[][] part : parts) {
            rows.addAll(List.of(part));
        }
        return rows.toArray(double[][]::new);
    }
}
