/* SPDX-License-Identifier: Apache-2.0 */
/** ParallelWrapper and ParallelInference with our components. */
@NullMarked
package io.latent4j.it.parallel;

import org.jspecify.annotations.NullMarked;
