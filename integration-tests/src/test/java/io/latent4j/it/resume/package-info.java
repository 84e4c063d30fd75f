/* SPDX-License-Identifier: Apache-2.0 */
@NullMarked
package io.latent4j.it.resume;

import org.jspecify.annotations.NullMarked;
