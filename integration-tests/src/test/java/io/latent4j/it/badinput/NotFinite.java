/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.io.Serial;

/** A number is NaN or infinite. */
final class NotFinite extends AssertionError {
    @Serial
    private static final long serialVersionUID = 1L;

    NotFinite(String message) {
        super(message);
    }
}
