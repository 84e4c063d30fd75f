/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The contracts that every layer, vertex and loss of this project keeps, checked on any network. A source folder, not an
 * artifact: each module compiles it among its tests, so the modules need not depend on each other.
 */
@NullMarked
package io.latent4j.contracts;

import org.jspecify.annotations.NullMarked;
