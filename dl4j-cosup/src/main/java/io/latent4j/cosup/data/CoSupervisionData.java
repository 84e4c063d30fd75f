/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Instances with the passages that they name.
 *
 * @param instances the instances in their order
 * @param passages all passages by id, in the order that numbers them; more than the instances name are welcome
 * @param skipped how many malformed records a reader left out; 0 where nothing was read
 */
public record CoSupervisionData(List<Instance> instances, Map<String, Passage> passages, int skipped) {
    /**
     * Copies and checks.
     *
     * @param instances the instances
     * @param passages their passages
     * @param skipped 0 or more
     * @throws IllegalArgumentException if an instance names a passage that isn't there, or a key isn't its passage's id
     */
    public CoSupervisionData {
        instances = List.copyOf(instances);
        passages = Collections.unmodifiableMap(new LinkedHashMap<>(passages));
        passages.forEach((id, passage) -> {
            if (!passage.id().equals(id)) {
                throw new IllegalArgumentException("passages must have their ids as keys, found key \"" + id
                        + "\" of passage \"" + passage.id() + '"');
            }
        });
        for (int i = 0; i < instances.size(); i++) {
            List<Instance.Segment> segments = instances.get(i).segments();
            for (int s = 0; s < segments.size(); s++) {
                Instance.Segment segment = segments.get(s);
                requireKnown(passages, segment.passageId() == null ? List.of() : List.of(segment.passageId()), i, s);
                requireKnown(passages, segment.hardNegatives(), i, s);
            }
        }
    }

    /**
     * Data made by hand.
     *
     * @param instances the instances
     * @param passages their passages
     * @throws IllegalArgumentException if an instance names a passage that isn't there, or a key isn't its passage's id
     */
    public CoSupervisionData(List<Instance> instances, Map<String, Passage> passages) {
        this(instances, passages, 0);
    }

    private static void requireKnown(Map<String, Passage> passages, List<String> ids, int instance, int segment) {
        for (String id : ids) {
            if (!passages.containsKey(id)) {
                throw new IllegalArgumentException("passage ids must be among the " + passages.size()
                        + " passages, found \"" + id + "\" in instance " + instance + ", segment " + segment);
            }
        }
    }
}
