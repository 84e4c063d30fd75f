/* SPDX-License-Identifier: Apache-2.0 */
/** Another backend than the CPU's: the same results, and few ways between host and device. */
@org.jspecify.annotations.NullMarked
package io.latent4j.it.cuda;
