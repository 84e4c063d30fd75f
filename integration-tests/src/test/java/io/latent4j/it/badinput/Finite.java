/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.lang.reflect.RecordComponent;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Looks for numbers that are not finite. */
final class Finite {
    private Finite() {}

    /**
     * Checks the numbers of a result: arrays, records, collections, numbers; other objects pass.
     *
     * @throws AssertionError if one is NaN or infinite
     */
    static void require(String what, @Nullable Object found) throws ReflectiveOperationException {
        if (found instanceof Double number && !Double.isFinite(number)) {
            throw new NotFinite(what + " is " + number);
        } else if (found instanceof INDArray array && !isFinite(array)) {
            throw new NotFinite(what + " has values that aren't finite: " + array);
        } else if (found instanceof Collection<?> collection) {
            for (Object element : collection) {
                require(what, element);
            }
        } else if (found instanceof Record) {
            for (RecordComponent component : found.getClass().getRecordComponents()) {
                component.getAccessor().setAccessible(true);
                require(
                        what + '.' + component.getName(),
                        component.getAccessor().invoke(found));
            }
        }
    }

    static boolean isFinite(INDArray array) {
        if (array.isEmpty() || !array.dataType().isFPType()) {
            return true;
        }
        for (double value :
                array.dup('c').reshape(array.length()).castTo(DataType.DOUBLE).toDoubleVector()) {
            if (!Double.isFinite(value)) {
                return false;
            }
        }
        return true;
    }
}
