/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup;

/** How the states of a sequence become one vector. */
public enum Pooling {
    /** The state of the last real token, the paper's. */
    LAST,
    /** The mean of the states of all real tokens. */
    MEAN,
    /** The largest value that each feature has at any real token. */
    MAX
}
