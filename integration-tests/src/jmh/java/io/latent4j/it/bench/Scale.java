/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.util.Locale;

/**
 * How much there is of what.
 *
 * @param count points, positions or queries; 1 where there are none
 * @param width dimensions
 * @param candidates vocabulary, keys or passages; 1 where there are none
 */
record Scale(long count, long width, long candidates) {
    String label(ScalingComponent component) {
        return String.format(Locale.ROOT, component.label(), count, width, candidates);
    }
}
