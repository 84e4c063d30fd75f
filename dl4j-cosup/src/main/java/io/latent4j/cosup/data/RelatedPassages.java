/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.Serializable;
import java.util.List;

/**
 * Names passages that belong to a retrieval beyond those in its record: hard negatives mined by a search, or further
 * positives. Asked anew for each batch, so that what it gives may change while training goes on.
 *
 * <p>{@link MinedNegatives} takes them from a sequence index. A prefetching iterator asks from its own thread: look results up that were computed between epochs, rather than
 * running a network that is being trained.
 */
@FunctionalInterface
public interface RelatedPassages extends Serializable {
    /**
     * The passages for one retrieval.
     *
     * @param instance the instance
     * @param segment index of the segment that retrieves
     * @return ids of passages in the collection, best first; empty for none
     */
    List<String> of(Instance instance, int segment);
}
