/* SPDX-License-Identifier: Apache-2.0 */
/** Small causal language models for the experiments: a pretrained Llama as SameDiff graph, an LSTM as DL4J network. */
@NullMarked
package io.latent4j.it.lm;

import org.jspecify.annotations.NullMarked;
