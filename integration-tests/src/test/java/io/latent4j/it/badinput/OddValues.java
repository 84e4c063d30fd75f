/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import io.latent4j.cosup.Contrast;
import io.latent4j.cosup.Pairing;
import io.latent4j.istar.Points;
import io.latent4j.vocabsem.LabelWords;
import io.latent4j.vocabsem.NeuralClustering;
import io.latent4j.vocabsem.SemanticBases;
import io.latent4j.vocabsem.SemanticCalibration;
import java.lang.reflect.Array;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;

/** Arguments of any type, right and wrong, drawn with a seed. */
final class OddValues {
    private static final double[] NUMBERS = {
        0,
        -0.0,
        1,
        -1,
        0.5,
        2,
        16,
        1e-12,
        -1e-12,
        1e12,
        1e-300,
        -1e-300,
        1e300,
        -1e300,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        Double.MIN_VALUE,
        Double.MAX_VALUE
    };
    private static final long[] WHOLES = {
        0, 1, 2, 3, 4, 5, 7, -1, -4, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 40
    };
    private static final long[][] SHAPES = {
        {5, 4}, {5, 4}, {5, 4}, {4, 4}, {4, 4}, {4, 5}, {3, 4}, {5, 1}, {1, 4}, {5}, {4}
    };
    private static final SemanticBases BASES = SemanticBases.fromHead(Nd4j.rand(4, 9));
    private static final LabelWords LABELS =
            LabelWords.builder().label("a", 1).label("b", 2).build();

    private final Random random;
    /** Whether all numbers in arrays were such that results must be finite. */
    private boolean moderate = true;

    OddValues(long seed) {
        random = new Random(seed);
    }

    boolean areModerate() {
        return moderate;
    }

    /** Calls a method or constructor with drawn arguments and passes on what it throws. */
    Object call(Executable executable, @Nullable Object target, Object... first) throws Throwable {
        Class<?>[] types = executable.getParameterTypes();
        @Nullable Object[] arguments = new @Nullable Object[types.length];
        for (int i = 0; i < types.length; i++) {
            arguments[i] = i < first.length ? first[i] : value(types[i]);
        }
        executable.setAccessible(true);
        try {
            return executable instanceof Method method
                    ? method.invoke(target, arguments)
                    : ((java.lang.reflect.Constructor<?>) executable).newInstance(arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @Nullable
    Object value(Class<?> type) {
        if (type == double.class) {
            return NUMBERS[random.nextInt(NUMBERS.length)];
        } else if (type == int.class) {
            return (int) WHOLES[random.nextInt(WHOLES.length)];
        } else if (type == long.class) {
            return WHOLES[random.nextInt(WHOLES.length)];
        } else if (type == boolean.class) {
            return random.nextBoolean();
        } else if (random.nextInt(8) == 0) {
            return null;
        } else if (type.isEnum()) {
            return type.getEnumConstants()[random.nextInt(type.getEnumConstants().length)];
        } else if (type.isArray()) {
            Object array = Array.newInstance(type.getComponentType(), random.nextInt(6));
            for (int i = 0; i < Array.getLength(array); i++) {
                Array.set(array, i, value(type.getComponentType()));
            }
            return array;
        }
        return object(type);
    }

    private @Nullable Object object(Class<?> type) {
        if (type == INDArray.class) {
            return array();
        } else if (type == Points.class) {
            return points();
        } else if (type == List.class) {
            List<@Nullable Object> list = new ArrayList<>();
            for (int i = random.nextInt(3); i > 0; i--) {
                list.add(value(Points.class));
            }
            return list;
        } else if (type == String.class) {
            return List.of("", " ", "a", "gen", "text").get(random.nextInt(5));
        } else if (type == SemanticBases.class) {
            return BASES;
        } else if (type == LabelWords.class) {
            return LABELS;
        } else if (type == Contrast.class) {
            return Contrast.PAPER;
        } else if (type == Pairing.class) {
            return Pairing.diagonal(1 + random.nextInt(5));
        } else if (type == IActivation.class) {
            return Activation.values()[random.nextInt(Activation.values().length)].getActivationFunction();
        } else if (type == IUpdater.class) {
            return new Sgd((double) value(double.class));
        } else if (type == ILossFunction.class) {
            return new LossMCXENT();
        } else if (type == ISchedule.class) {
            return new FixedSchedule((double) value(double.class));
        } else if (type == Map.class) {
            return Map.of("a", 1, "b", -1);
        } else if (type == Function.class) {
            return (Function<String, int[]>) text -> new int[text.length()];
        } else if (type == NeuralClustering.Builder.class) {
            return new NeuralClustering.Builder();
        } else if (type == SemanticCalibration.Options.class) {
            return SemanticCalibration.Options.PAPER;
        } else if (type == SemanticCalibration.Weights.class) {
            return random.nextInt(3) == 0
                    ? new SemanticCalibration.Weights(array(), array(), array(), array(), null, null)
                    : new SemanticCalibration.Weights(
                            Nd4j.rand(4, 1), Nd4j.rand(1, 4), Nd4j.rand(4, 8), Nd4j.rand(8, 4), null, null);
        }
        return null;
    }

    private @Nullable Points points() {
        INDArray array = array();
        return array.rank() == 3
                ? Points.timeSteps(array, random.nextBoolean(), null)
                : Points.rows(array, random.nextInt(3) == 0 ? array() : null);
    }

    /** An array, twice in three of a shape that may fit, of a floating point type and with ordinary values. */
    INDArray array() {
        long[] shape = random.nextInt(3) > 0
                ? SHAPES[random.nextInt(SHAPES.length)]
                : random.longs(random.nextInt(4), 1, 6).toArray();
        DataType[] types = {
            DataType.FLOAT, DataType.FLOAT, DataType.DOUBLE, DataType.DOUBLE, DataType.HALF, DataType.INT, DataType.BOOL
        };
        DataType type = types[random.nextInt(types.length)];
        double[] values = random.doubles(Arrays.stream(shape).reduce(1, (a, b) -> a * b), -1, 1)
                .toArray();
        switch (random.nextInt(16)) {
            case 0 -> Arrays.fill(values, 0);
            case 1 -> Arrays.fill(values, 0.5);
            case 2 -> Arrays.setAll(values, i -> values[i] * 1e6);
            case 3 -> Arrays.setAll(values, i -> values[i] * 1e-6);
            case 4 -> extreme(values, Double.NaN);
            case 5 -> extreme(values, Double.POSITIVE_INFINITY);
            case 6 -> extreme(values, 1e38);
            default -> {
                // as they are
            }
        }
        if (type == DataType.HALF) {
            moderate = false;
        }
        INDArray array = Nd4j.createFromArray(values).reshape(random.nextBoolean() ? 'c' : 'f', shape);
        return type == DataType.BOOL ? array.gt(0) : array.castTo(type);
    }

    private void extreme(double[] values, double value) {
        moderate = false;
        values[random.nextInt(values.length)] = value;
    }
}
