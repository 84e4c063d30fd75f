/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * IsoScore*, a differentiable measure in [0, 1] of how evenly the variance of a point cloud is spread over the
 * directions of its space: 1 for an isotropic cloud, 0 for one that lies on a line.
 *
 * <p>With the sample covariance {@code Σ_X} of the points (denominator N−1), a shrinkage covariance {@code Σ_S} and its
 * weight ζ in [0, 1],
 *
 * <pre>{@code
 * M = (1−ζ)·Σ_X + ζ·Σ_S        t = tr M        f = ‖M‖²_F        (n dimensions)
 *
 * S     = IsoScore* = (t²/f − 1) / (n − 1)
 * ∂S/∂X = 4(1−ζ)·t / ((N−1)(n−1)·f) · (Xc − (t/f)·Xc·M)        Xc = X − mean(X)
 * }</pre>
 *
 * the closed form of the paper's Algorithm 1: t²/f is the participation ratio of M's spectrum, which the published
 * formula reaches by way of a singular value decomposition. No decomposition is needed, value and gradient cost one
 * symmetric rank-k update and one matrix product, of X itself where its mean is not large beside its variance. Where there
 * are fewer points than dimensions the Gram matrix {@code XcXcᵀ} takes the covariance's place and nothing n×n is formed.
 *
 * <p>The measure is invariant to translation, rotation and uniform scale. It is undefined where all points coincide.
 * Types: DOUBLE is computed in DOUBLE; FLOAT, HALF and BFLOAT16 in FLOAT with the O(n²) sums in double, and in DOUBLE
 * where the data's scale leaves FLOAT's range. Memory beside the arguments: O(n²) plus one block of rows.
 *
 * <p>All methods are stateless and safe for concurrent use. Source: W. Rudman and C. Eickhoff, "Stable Anisotropic
 * Regularization", ICLR 2024, arXiv 2305.19358, section 3 and Algorithm 1.
 *
 * @see ShrinkageCovariance
 * @see IStarLayer
 */
public final class IsoScoreStar {
    private IsoScoreStar() {}

    /**
     * IsoScore* of the rows of a matrix without shrinkage (ζ = 0).
     *
     * @param points array {@code [N, n]}, N ≥ 2, n ≥ 2
     * @return the score in [0, 1]
     * @throws IllegalArgumentException if the shape is unfit, a value is not finite, or all points coincide
     */
    public static double of(INDArray points) {
        return of(Points.rows(points));
    }

    /**
     * IsoScore* of the rows of a matrix with shrinkage.
     *
     * @param points array {@code [N, n]}, N ≥ 2, n ≥ 2
     * @param shrinkageCovariance Σ_S, symmetric positive semi-definite {@code [n, n]}
     * @param zeta weight ζ of Σ_S in [0, 1]; 0 ignores Σ_S, 1 ignores the points
     * @return the score in [0, 1]
     * @throws IllegalArgumentException if a shape or ζ is unfit, a value is not finite, Σ_S is not a covariance, or
     *     {@code M} is zero
     */
    public static double of(INDArray points, INDArray shrinkageCovariance, double zeta) {
        return of(Points.rows(points), shrinkageCovariance, zeta);
    }

    /**
     * IsoScore* of points in any layout, with or without weights, without shrinkage (ζ = 0).
     *
     * @param points the points; more than one unit of weight, n ≥ 2
     * @return the score in [0, 1]
     * @throws IllegalArgumentException if the shape is unfit, a value is not finite, or all points coincide
     */
    public static double of(Points points) {
        return requireDefined(evaluate("points", one(points), null, 0, false)).score();
    }

    /**
     * IsoScore* of points in any layout, with or without weights, with shrinkage.
     *
     * @param points the points; more than one unit of weight, n ≥ 2
     * @param shrinkageCovariance Σ_S, symmetric positive semi-definite {@code [n, n]}
     * @param zeta weight ζ of Σ_S in [0, 1]
     * @return the score in [0, 1]
     * @throws IllegalArgumentException if a shape or ζ is unfit, a value is not finite, Σ_S is not a covariance, or
     *     {@code M} is zero
     */
    public static double of(Points points, INDArray shrinkageCovariance, double zeta) {
        ShrinkageCovariance.requireCovariance("shrinkageCovariance", shrinkageCovariance, points.features());
        return requireDefined(evaluate("points", one(points), shrinkageCovariance, zeta, false))
                .score();
    }

    /**
     * IsoScore* of a covariance matrix.
     *
     * @param covariance symmetric positive semi-definite matrix {@code [n, n]}, n ≥ 2
     * @return the score in [0, 1]
     * @throws IllegalArgumentException if the matrix is not a covariance, is zero, or n = 1
     */
    public static double ofCovariance(INDArray covariance) {
        if (covariance.rank() != 2) {
            throw new IllegalArgumentException(
                    "covariance must be a square matrix, found shape " + Arrays.toString(covariance.shape()));
        }
        requireDimensions("covariance", covariance.size(0));
        ShrinkageCovariance.requireCovariance("covariance", covariance, covariance.size(0));
        int n = (int) covariance.size(0);
        HostColumns columns = new HostColumns(covariance);
        double[] column = new double[n];
        // Scaled by the largest variance, so that no square leaves the range of double
        double scale = 0;
        for (int j = 0; j < n; j++) {
            columns.read(j, n, column);
            scale = Math.max(scale, column[j]);
        }
        if (!(scale > 0)) {
            throw new IllegalArgumentException("covariance must not be zero: IsoScore* is undefined without variance");
        }
        double trace = 0;
        double squares = 0;
        for (int j = 0; j < n; j++) {
            columns.read(j, n, column);
            trace += column[j] / scale;
            for (int i = 0; i < n; i++) {
                squares += (column[i] / scale) * (column[i] / scale);
            }
        }
        return score(trace, squares, n);
    }

    /**
     * IsoScore* of points and its gradient.
     *
     * @param points the points; more than one unit of weight, n ≥ 2
     * @return the score in [0, 1] and ∂S/∂X in the shape and type of the points' array
     * @throws IllegalArgumentException if the shape is unfit, a value is not finite, or all points coincide
     */
    public static ScoreAndGradient withGradient(Points points) {
        return withGradient(points, null, 0);
    }

    /**
     * IsoScore* of points with shrinkage, and its gradient for a constant Σ_S.
     *
     * @param points the points; more than one unit of weight, n ≥ 2
     * @param shrinkageCovariance Σ_S, symmetric positive semi-definite {@code [n, n]}; may be null if ζ = 0
     * @param zeta weight ζ of Σ_S in [0, 1]
     * @return the score in [0, 1] and ∂S/∂X in the shape and type of the points' array
     * @throws IllegalArgumentException if a shape or ζ is unfit, a value is not finite, Σ_S is not a covariance, or
     *     {@code M} is zero
     */
    public static ScoreAndGradient withGradient(Points points, @Nullable INDArray shrinkageCovariance, double zeta) {
        if (shrinkageCovariance != null) {
            ShrinkageCovariance.requireCovariance("shrinkageCovariance", shrinkageCovariance, points.features());
        }
        Evaluation evaluation = requireDefined(evaluate("points", one(points), shrinkageCovariance, zeta, true));
        INDArray gradient = Nd4j.createUninitialized(
                points.array().dataType(), points.array().shape(), 'c');
        evaluation.gradient(1.0, List.of(gradient), false);
        evaluation.release();
        return new ScoreAndGradient(evaluation.score(), gradient);
    }

    /**
     * A score and its gradient.
     *
     * @param score IsoScore* in [0, 1]
     * @param gradient ∂S/∂X in the shape and type of the points' array
     */
    public record ScoreAndGradient(double score, INDArray gradient) {}

    /**
     * Evaluates IsoScore* of the union of several point clouds and keeps what its gradient needs, so that a training
     * step takes the value on its way forward and the gradient on its way back. Unlike the {@code of} methods this one
     * trusts Σ_S to be a covariance, and reports an undefined score by {@link Evaluation#isDefined()}.
     *
     * @param what what the points are, for error messages
     * @param clouds at least one cloud; all of the same dimension and type
     * @param shrinkageCovariance Σ_S {@code [n, n]}; may be null if ζ = 0
     * @param zeta weight ζ of Σ_S in [0, 1]
     * @param forGradient whether {@link Evaluation#addGradient} will be called
     * @return the evaluation; it refers to the clouds' arrays and to arrays made in the current workspace
     * @throws IllegalArgumentException if a shape or ζ is unfit, or a value is not finite
     */
    public static Evaluation evaluate(
            String what,
            List<Points> clouds,
            @Nullable INDArray shrinkageCovariance,
            double zeta,
            boolean forGradient) {
        if (clouds.isEmpty()) {
            throw new IllegalArgumentException(what + " must hold at least one array, found none");
        }
        clouds.forEach(cloud -> Objects.requireNonNull(cloud, what + " must hold points, found null"));
        long n = clouds.get(0).features();
        requireDimensions(what, n);
        for (Points cloud : clouds) {
            if (cloud.features() != n || cloud.dataType() != clouds.get(0).dataType()) {
                throw new IllegalArgumentException(what + " must agree in dimension and type, found " + n + " "
                        + clouds.get(0).dataType() + " and " + cloud.features() + " " + cloud.dataType());
            }
        }
        requireZeta(zeta);
        if (zeta > 0) {
            if (shrinkageCovariance == null) {
                throw new IllegalArgumentException(
                        "shrinkageCovariance must be given if zeta > 0, found null and zeta = " + zeta);
            }
            ShrinkageCovariance.requireSquare("shrinkageCovariance", shrinkageCovariance, n);
        }
        double weight = clouds.stream().mapToDouble(Points::totalWeight).sum();
        if (!(weight > 1)) {
            return new Evaluation("at least 2 " + what + " are needed, found a total weight of " + weight);
        }
        INDArray shrinkage = zeta > 0 ? shrinkageCovariance : null;
        DataType type = clouds.get(0).dataType();
        Route route = Route.of(clouds, weight, shrinkage, zeta, type, 1);
        double variance = route.trace / n;
        double limit = type == DataType.FLOAT ? 1e30 : 1e280;
        if (!(variance >= 1 / limit && variance <= limit)) {
            // Squares may have left the type's range, or a value is not finite
            double largest = clouds.stream().mapToDouble(Points::maxAbsolute).reduce(0, Math::max);
            if (!Double.isFinite(largest)) {
                throw new IllegalArgumentException(
                        what + " must be finite, found " + (Double.isNaN(largest) ? "NaN" : "infinity"));
            }
            double scale = largest > 0 ? Math.scalb(1.0, Math.getExponent(largest)) : 1;
            route = Route.of(clouds, weight, shrinkage, zeta, DataType.DOUBLE, scale);
            if (!Double.isFinite(route.trace)) {
                throw new IllegalArgumentException("shrinkageCovariance must be finite, found trace " + route.trace);
            }
        }
        return route.isZero()
                ? new Evaluation("all " + what + " coincide, so there is no variance")
                : new Evaluation(route, forGradient);
    }

    private static List<Points> one(Points points) {
        return List.of(Objects.requireNonNull(points, "points must be given, found null"));
    }

    private static Evaluation requireDefined(Evaluation evaluation) {
        if (!evaluation.isDefined()) {
            throw new IllegalArgumentException("IsoScore* is undefined: " + evaluation.undefinedBecause());
        }
        return evaluation;
    }

    private static void requireDimensions(String what, long n) {
        if (n < 2) {
            throw new IllegalArgumentException(what + " must have at least 2 dimensions, found " + n);
        }
    }

    /**
     * Checks a shrinkage weight.
     *
     * @param zeta the weight ζ
     * @return the weight
     * @throws IllegalArgumentException if ζ is not in [0, 1]
     */
    public static double requireZeta(double zeta) {
        if (!(zeta >= 0 && zeta <= 1)) {
            throw new IllegalArgumentException("zeta must be in [0, 1], found " + zeta);
        }
        return zeta;
    }

    private static double score(double trace, double squares, long n) {
        // Rounding may leave [0, 1] by a few ulp
        return Math.min(1, Math.max(0, (trace * trace / squares - 1) / (n - 1)));
    }

    /** One evaluation of IsoScore* on the union of some clouds, able to add its gradient to arrays of their shapes. */
    public static final class Evaluation {
        private final @Nullable String undefined;
        private final @Nullable Route route;
        private final double score;
        private final boolean forGradient;

        private Evaluation(String undefined) {
            this.undefined = undefined;
            this.route = null;
            this.score = Double.NaN;
            this.forGradient = false;
        }

        private Evaluation(Route route, boolean forGradient) {
            this.undefined = null;
            this.route = route;
            this.score = IsoScoreStar.score(route.trace, route.squares, route.n);
            this.forGradient = forGradient;
            if (forGradient) {
                route.prepareGradient(
                        4 * (1 - route.zeta) * route.trace / ((route.weight - 1) * (route.n - 1) * route.squares),
                        route.trace / route.squares);
            } else {
                route.release();
            }
        }

        /** Ends the use of the gradient. */
        private void release() {
            if (route != null) {
                route.release();
            }
        }

        /**
         * Whether the score exists: there are at least two points and they do not all coincide.
         *
         * @return true if the score exists
         */
        public boolean isDefined() {
            return undefined == null;
        }

        /**
         * Why the score does not exist.
         *
         * @return the reason, or null if the score is defined
         */
        public @Nullable String undefinedBecause() {
            return undefined;
        }

        /**
         * The score.
         *
         * @return IsoScore* in [0, 1], NaN if undefined
         */
        public double score() {
            return score;
        }

        /**
         * Adds {@code factor·∂S/∂X} to arrays shaped like the clouds'. An undefined score adds nothing.
         *
         * @param factor finite factor of the gradient
         * @param targets one array per cloud, in the shape of the cloud's array, any ordering
         * @throws IllegalStateException if the evaluation was made without the gradient in mind
         */
        public void addGradient(double factor, List<INDArray> targets) {
            if (isDefined()) {
                gradient(factor, targets, true);
            }
        }

        private void gradient(double factor, List<INDArray> targets, boolean add) {
            if (route == null || !forGradient) {
                throw new IllegalStateException("this evaluation was made without forGradient");
            }
            route.gradient(factor / route.scale, targets, add);
        }
    }

    /** How trace, squared norm and gradient come about: over the covariance, or over the Gram matrix. */
    private abstract static class Route {
        final List<Points> clouds;
        final int n;
        final double weight;
        final double zeta;
        final DataType type;
        final double scale;
        double trace;
        double squares;
        /** ‖mean‖², against which rounding noise is told from variance. */
        double meanSquares;

        Route(List<Points> clouds, double weight, double zeta, DataType type, double scale) {
            this.clouds = clouds;
            this.n = (int) clouds.get(0).features();
            this.weight = weight;
            this.zeta = zeta;
            this.type = type;
            this.scale = scale;
        }

        static Route of(
                List<Points> clouds,
                double weight,
                @Nullable INDArray shrinkage,
                double zeta,
                DataType type,
                double scale) {
            long rows = clouds.stream().mapToLong(Points::rows).sum();
            return rows < clouds.get(0).features()
                    ? new GramRoute(clouds, weight, shrinkage, zeta, type, scale)
                    : new CovarianceRoute(clouds, weight, shrinkage, zeta, type, scale);
        }

        /**
         * Whether there is no variance beyond what rounding makes of equal points. The shifted sums leave about
         * ε³‖mean‖² of them; a single point that differs in its last digit gives ε²‖mean‖²/N.
         */
        boolean isZero() {
            double epsilon = type == DataType.FLOAT ? 0x1p-24 : 0x1p-53;
            return !(trace > 1e-4 * epsilon * epsilon * meanSquares);
        }

        /** Reads the elements 0…j of column {@code j} of a symmetric matrix. */
        abstract void read(int j, double[] into);

        /** Sets trace and squares to those of the matrix. */
        final void sum(int size) {
            double[] column = new double[size];
            trace = 0;
            squares = 0;
            for (int j = 0; j < size; j++) {
                read(j, column);
                trace += column[j];
                squares += column[j] * column[j] + 2 * dot(column, column, j);
            }
        }

        /** Product of the first elements, in four chains for the processor's sake. */
        static double dot(double[] x, double[] y, int count) {
            double a = 0;
            double b = 0;
            double c = 0;
            double d = 0;
            int i = 0;
            for (; i + 3 < count; i += 4) {
                a += x[i] * y[i];
                b += x[i + 1] * y[i + 1];
                c += x[i + 2] * y[i + 2];
                d += x[i + 3] * y[i + 3];
            }
            for (; i < count; i++) {
                a += x[i] * y[i];
            }
            return a + b + c + d;
        }

        abstract void prepareGradient(double a, double traceOverSquares);

        abstract void gradient(double factor, List<INDArray> targets, boolean add);

        /** Frees the matrices: outside of workspaces fresh memory may cost as much as the products. */
        abstract void release();
    }

    /** {@code N ≥ n}: M itself; the gradient is Xc·A with A = a(I − (t/f)M). */
    private static final class CovarianceRoute extends Route {
        private final CentredMoments moments;
        private final @Nullable HostColumns shrinkage;
        private final double[] shrinkageColumn;
        /** Upper triangle of the scatter, later all of A. */
        private final INDArray matrix;
        /** mean·A as a row, if Xc·A is taken as X·A − ones·mean·A. */
        private @Nullable INDArray meanProduct;

        CovarianceRoute(
                List<Points> clouds,
                double weight,
                @Nullable INDArray shrinkage,
                double zeta,
                DataType type,
                double scale) {
            super(clouds, weight, zeta, type, scale);
            this.matrix = Nd4j.createUninitialized(type, new long[] {n, n}, 'f');
            this.moments = CentredMoments.of(clouds, type, scale, matrix);
            this.meanSquares = moments.meanSquares();
            this.shrinkage = shrinkage == null ? null : new HostColumns(shrinkage);
            this.shrinkageColumn = new double[n];
            sum(n);
        }

        @Override
        void read(int j, double[] into) {
            moments.read(j, into);
            double factor = (1 - zeta) / (weight - 1);
            if (shrinkage == null) {
                for (int i = 0; i <= j; i++) {
                    into[i] *= factor;
                }
                return;
            }
            shrinkage.read(j, j + 1, shrinkageColumn);
            double otherFactor = zeta / (scale * scale);
            for (int i = 0; i <= j; i++) {
                into[i] = factor * into[i] + otherFactor * shrinkageColumn[i];
            }
        }

        @Override
        void prepareGradient(double a, double traceOverSquares) {
            HostColumns columns = new HostColumns(matrix);
            double[] column = new double[n];
            double[] mean = moments.mean();
            double[] product = new double[n];
            double factor = -a * traceOverSquares;
            for (int j = 0; j < n; j++) {
                read(j, column);
                for (int i = 0; i <= j; i++) {
                    column[i] *= factor;
                }
                column[j] += a;
                columns.write(j, j + 1, column);
                if (moments.isDirect()) {
                    product[j] += dot(mean, column, j + 1);
                    for (int i = 0; i < j; i++) {
                        product[i] += mean[j] * column[i];
                    }
                }
            }
            columns.mirrorUpperTriangle();
            columns.written();
            meanProduct = moments.isDirect() ? CentredMoments.row(product, type) : null;
        }

        @Override
        void gradient(double factor, List<INDArray> targets, boolean add) {
            INDArray shift = moments.isDirect() ? null : CentredMoments.row(moments.mean(), type);
            try (BlockBuffer rows = new BlockBuffer(clouds, type);
                    BlockBuffer product = new BlockBuffer(clouds, type)) {
                for (int c = 0; c < clouds.size(); c++) {
                    Points cloud = clouds.get(c);
                    INDArray target = targets.get(c);
                    INDArray points = moments.isDirect() ? cloud.matrix(type) : null;
                    INDArray sum = target == cloud.array() ? null : cloud.matrixOf(target, type);
                    if (points != null && sum != null) {
                        addProduct(points, factor, add, sum);
                        continue;
                    }
                    for (long block = 0; block < cloud.blocks(); block++) {
                        INDArray x = points == null ? rows.rows(cloud.blockRows(block)) : cloud.rowsOf(points, block);
                        if (points == null) {
                            cloud.copyBlock(block, shift, x);
                            CentredMoments.scale(x, cloud.blockWeights(block), 1 / scale);
                        }
                        INDArray g = sum == null ? product.rows(x.rows()) : cloud.rowsOf(sum, block);
                        if (sum == null && add) {
                            cloud.takeBlock(block, target, g);
                        }
                        addProduct(x, factor, add, g);
                        if (sum == null) {
                            cloud.putBlock(block, g, target);
                        }
                    }
                }
            }
        }

        @Override
        void release() {
            BlockBuffer.free(matrix);
        }

        private void addProduct(INDArray x, double factor, boolean add, INDArray sum) {
            // Symmetric: its transpose is itself in row-major order, which spares GEMM a copy
            Nd4j.gemm(x, matrix.transpose(), sum, false, false, factor, add ? 1 : 0);
            if (meanProduct != null) {
                Blas.addToRows(moments.ones(sum.rows()), meanProduct, -factor, sum);
            }
        }
    }

    /**
     * {@code N < n}: the Gram matrix K = XcXcᵀ/(N−1) has Σ_X's trace and norm, and Xc·Σ_X = K·Xc. With P the projection
     * that takes the mean away, {@code P = I − ssᵀ/W}, s the roots of the weights, {@code Xc = P·X} and {@code K =
     * P·XXᵀ·P/(N−1)}: points whose mean is not large are multiplied as they are.
     */
    private static final class GramRoute extends Route {
        /** The points, or √w-scaled, nearly centred copies of all clouds' points. */
        private final INDArray x;

        private final boolean direct;

        /** Upper triangle of XXᵀ, later all of a(P − (t/f)(1−ζ)K). */
        private final INDArray gram;

        private final HostColumns columns;
        private final double[] rootWeights;
        private final @Nullable INDArray rootWeightColumn;
        /** XXᵀ·s/W, and sᵀXXᵀs/W². */
        private final double[] sums;

        private double total;
        /** x·Σ_S where ζ > 0. */
        private final @Nullable INDArray xShrinkage;

        private double shrinkageGradientFactor;

        GramRoute(
                List<Points> clouds,
                double weight,
                @Nullable INDArray shrinkage,
                double zeta,
                DataType type,
                double scale) {
            super(clouds, weight, zeta, type, scale);
            int rows = (int) clouds.stream().mapToLong(Points::rows).sum();
            gram = Nd4j.createUninitialized(type, new long[] {rows, rows}, 'f');
            rootWeights = new double[rows];
            sums = new double[rows];
            Arrays.fill(rootWeights, 1);
            INDArray matrix = clouds.size() == 1 && scale == 1 && shrinkage == null
                    ? clouds.get(0).matrix(type)
                    : null;
            if (matrix != null) {
                Blas.outerGram(matrix, gram);
                HostColumns read = new HostColumns(gram);
                if (centre(read)) {
                    direct = true;
                    x = matrix;
                    columns = read;
                    rootWeightColumn = null;
                    xShrinkage = null;
                    sum(rows);
                    return;
                }
            }
            direct = false;
            x = Nd4j.createUninitialized(type, new long[] {rows, n}, 'c');
            CentredMoments.Gathered gathered = CentredMoments.gather(clouds, scale, weight, x);
            rootWeightColumn = gathered.rootWeights();
            if (rootWeightColumn != null) {
                System.arraycopy(rootWeightColumn.toDoubleVector(), 0, rootWeights, 0, rows);
            }
            Blas.outerGram(x, gram);
            columns = new HostColumns(gram);
            centre(columns);
            meanSquares = gathered.meanSquares();
            sum(rows);
            xShrinkage = shrinkage == null ? null : mixIn(shrinkage);
        }

        /** Reads what centring takes; false if that costs digits. */
        private boolean centre(HostColumns products) {
            int rows = sums.length;
            double[] column = new double[rows];
            Arrays.fill(sums, 0);
            total = 0;
            double diagonal = 0;
            for (int j = 0; j < rows; j++) {
                products.read(j, j + 1, column);
                sums[j] += dot(column, rootWeights, j + 1);
                for (int i = 0; i < j; i++) {
                    sums[i] += column[i] * rootWeights[j];
                }
                diagonal += column[j];
            }
            for (int j = 0; j < rows; j++) {
                sums[j] /= weight;
                total += sums[j] * rootWeights[j] / weight;
            }
            meanSquares = total;
            return !(weight * total > CentredMoments.OFFSET_LIMIT * (diagonal - weight * total));
        }

        @Override
        void read(int j, double[] into) {
            columns.read(j, j + 1, into);
            double factor = 1 / (weight - 1);
            double both = rootWeights[j] * total - sums[j];
            for (int i = 0; i <= j; i++) {
                into[i] = factor * (into[i] + rootWeights[i] * both - sums[i] * rootWeights[j]);
            }
        }

        /** Takes Σ_S into trace and squares. */
        private INDArray mixIn(INDArray shrinkage) {
            int rows = rootWeights.length;
            INDArray product = Nd4j.createUninitialized(type, new long[] {rows, n}, 'c');
            Nd4j.gemm(x, shrinkage.castTo(type), product, false, false, 1 / (scale * scale), 0);
            double inner = 0;
            HostColumns left = new HostColumns(x.transpose());
            HostColumns right = new HostColumns(product.transpose());
            double[] leftRow = new double[n];
            double[] rightRow = new double[n];
            for (int i = 0; i < rows; i++) {
                left.read(i, n, leftRow);
                right.read(i, n, rightRow);
                inner += dot(leftRow, rightRow, n);
            }
            inner /= weight - 1;
            double shrinkageTrace = 0;
            double shrinkageSquares = 0;
            HostColumns shrinkageColumns = new HostColumns(shrinkage);
            for (int j = 0; j < n; j++) {
                shrinkageColumns.read(j, n, leftRow);
                shrinkageTrace += leftRow[j] / (scale * scale);
                for (int i = 0; i < n; i++) {
                    double entry = leftRow[i] / (scale * scale);
                    shrinkageSquares += entry * entry;
                }
            }
            trace = (1 - zeta) * trace + zeta * shrinkageTrace;
            squares =
                    (1 - zeta) * (1 - zeta) * squares + 2 * zeta * (1 - zeta) * inner + zeta * zeta * shrinkageSquares;
            return product;
        }

        @Override
        void prepareGradient(double a, double traceOverSquares) {
            double[] column = new double[rootWeights.length];
            double factor = -a * traceOverSquares * (1 - zeta);
            for (int j = 0; j < column.length; j++) {
                read(j, column);
                double projection = a * rootWeights[j] / weight;
                for (int i = 0; i <= j; i++) {
                    column[i] = factor * column[i] - projection * rootWeights[i];
                }
                column[j] += a;
                columns.write(j, j + 1, column);
            }
            columns.mirrorUpperTriangle();
            columns.written();
            shrinkageGradientFactor = -a * traceOverSquares * zeta;
        }

        @Override
        void gradient(double factor, List<INDArray> targets, boolean add) {
            INDArray target = targets.get(0);
            INDArray sum = direct && target != x ? clouds.get(0).matrixOf(target, type) : null;
            if (sum != null) {
                Nd4j.gemm(gram.transpose(), x, sum, false, false, factor, add ? 1 : 0);
                return;
            }
            INDArray g;
            if (xShrinkage == null) {
                g = Nd4j.createUninitialized(type, x.shape(), 'c');
                Nd4j.gemm(gram.transpose(), x, g, false, false, factor, 0);
            } else {
                g = xShrinkage.mul(factor * shrinkageGradientFactor);
                Nd4j.gemm(gram.transpose(), x, g, false, false, factor, 1);
            }
            if (rootWeightColumn != null) {
                g.mul(rootWeightColumn, g);
            }
            long row = 0;
            for (int c = 0; c < clouds.size(); c++) {
                Points cloud = clouds.get(c);
                for (long block = 0; block < cloud.blocks(); block++) {
                    long next = row + cloud.blockRows(block);
                    INDArray part = g.get(NDArrayIndex.interval(row, next), NDArrayIndex.all());
                    if (add) {
                        cloud.addBlock(block, part, targets.get(c));
                    } else {
                        cloud.putBlock(block, part, targets.get(c));
                    }
                    row = next;
                }
            }
        }

        @Override
        void release() {
            BlockBuffer.free(gram);
            BlockBuffer.free(xShrinkage);
            if (!direct) {
                BlockBuffer.free(x);
            }
        }
    }
}
