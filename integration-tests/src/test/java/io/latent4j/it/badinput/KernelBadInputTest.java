/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.latent4j.cosup.KeyMemory;
import io.latent4j.cosup.NextSequenceContrast;
import io.latent4j.cosup.Pairing;
import io.latent4j.cosup.retrieval.ExactSequenceIndex;
import io.latent4j.istar.CosineRegularizer;
import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticCalibration;
import io.latent4j.vocabsem.SparseCrossEntropy;
import io.latent4j.vocabsem.VocabularyLogits;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * All public functions of the kernels, and what takes arrays beside them, with arguments of all kinds. Where the numbers
 * in the arrays are finite and their squares in the range of FLOAT, results are finite.
 */
class KernelBadInputTest {
    /** By contract undefined where the score is. */
    private static final Set<String> MAY_BE_UNDEFINED = Set.of("evaluate");

    private static final List<Method> FUNCTIONS = Stream.of(
                    IsoScoreStar.class,
                    CosineRegularizer.class,
                    Points.class,
                    SemanticBases.class,
                    SemanticCalibration.class,
                    VocabularyLogits.class,
                    SparseCrossEntropy.class,
                    NextSequenceContrast.class,
                    Pairing.class)
            .flatMap(type -> Arrays.stream(type.getMethods()))
            .filter(method -> Modifier.isStatic(method.getModifiers())
                    && !method.getName().matches("load|head|embedding|diagonal"))
            .sorted(Comparator.comparing(Method::toString))
            .toList();

    @Property(seed = "40")
    void functions(@ForAll long seed) {
        for (int i = 0; i < FUNCTIONS.size(); i++) {
            Method function = FUNCTIONS.get(i);
            long draw = seed * 31 + i;
            Sweep.attempt("kernels: functions", () -> {
                OddValues values = new OddValues(draw);
                try {
                    Object result = values.call(function, null);
                    if (values.areModerate() && !MAY_BE_UNDEFINED.contains(function.getName())) {
                        Finite.require(function.getName(), result);
                    }
                } catch (AssertionError | Exception e) {
                    throw in(function, draw, e);
                }
            });
        }
    }

    /** Says which function it was, where the failure isn't a refusal. */
    private static Throwable in(Method function, long draw, Throwable thrown) {
        return thrown instanceof AssertionError || !Clear.isClear(thrown)
                ? new AssertionError(function + " with seed " + draw + ": " + thrown, thrown)
                : thrown;
    }

    @Property(seed = "41")
    void covariance(@ForAll long seed) {
        Sweep.attempt("kernels: ShrinkageCovariance", () -> {
            OddValues values = new OddValues(seed);
            ShrinkageCovariance covariance = new ShrinkageCovariance(4);
            covariance.add(ordinary());
            String before = covariance + " " + covariance.covariance();
            try {
                covariance.add(values.array());
            } catch (RuntimeException e) {
                if (!before.equals(covariance + " " + covariance.covariance())) {
                    throw new AssertionError("changed before " + e, e);
                }
                throw e;
            }
            Finite.require("covariance", covariance.covariance());
        });
    }

    @Property(seed = "42")
    void index(@ForAll long seed) {
        Sweep.attempt("kernels: ExactSequenceIndex", () -> {
            OddValues values = new OddValues(seed);
            try (ExactSequenceIndex index = new ExactSequenceIndex(4)) {
                index.add(List.of("a", "b"), ordinary().get(NDArrayIndex.interval(0, 2)));
                try {
                    index.add(List.of("c", "d", "e", "f", "b"), values.array());
                } catch (RuntimeException e) {
                    if (index.size() != 2) {
                        throw new AssertionError("changed before " + e, e);
                    }
                    throw e;
                }
                // Of numbers whose products leave the range of FLOAT a score may be infinite
                Stream.of(index.search(ordinary(), 3), index.search(values.array(), (int) values.value(int.class)))
                        .flatMap(List::stream)
                        .flatMap(List::stream)
                        .forEach(hit -> assertFalse(Double.isNaN(hit.score()), hit::toString));
            }
        });
    }

    @Property(seed = "43")
    void keyMemory(@ForAll long seed) {
        Sweep.attempt("kernels: KeyMemory", () -> {
            OddValues values = new OddValues(seed);
            KeyMemory memory = new KeyMemory((int) values.value(int.class));
            memory.add(values.array(), (long[]) values.value(long[].class));
            memory.copyTo(values.array(), Set.of());
        });
    }

    private static INDArray ordinary() {
        return Nd4j.linspace(1, 20, 20).reshape(5, 4);
    }
}
