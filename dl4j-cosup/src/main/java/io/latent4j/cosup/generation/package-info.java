/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Text generation that retrieves passages on its way: language models behind one interface, and the generator that asks
 * an index at each [Ret].
 */
@NullMarked
package io.latent4j.cosup.generation;

import org.jspecify.annotations.NullMarked;
