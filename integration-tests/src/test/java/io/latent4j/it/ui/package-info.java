/* SPDX-License-Identifier: Apache-2.0 */
/** How the training UI and our listener show networks with our components. */
@NullMarked
package io.latent4j.it.ui;

import org.jspecify.annotations.NullMarked;
