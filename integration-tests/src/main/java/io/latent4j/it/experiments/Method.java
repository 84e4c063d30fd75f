/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

/** The rows of the table. */
enum Method {
    /** Nothing is trained: the language model's own logits of the label words. */
    HEAD("LM head, zero-shot", Sample.NONE),
    /** Nothing is trained: cosine to the label words' semantic bases. */
    SEMANTIC("semantic logits, zero-shot", Sample.NONE),
    /** The class of the anchor with the nearest next-token distribution. */
    KNN_1("kNN-Prompting, k = 1", Sample.ORDERLESS),
    /** Majority of the three nearest anchors. */
    KNN_3("kNN-Prompting, k = 3", Sample.ORDERLESS),
    /** Softmax regression on standardized states. */
    LINEAR("linear head", Sample.SHUFFLED),
    /** Neural clustering as in the paper: the cosines are the logits. */
    CLUSTERING("clustering, scale 1 (paper)", Sample.SHUFFLED),
    /** Neural clustering of standardized states with larger logits. */
    CLUSTERING_SCALED("clustering, standardized, scale s", Sample.SHUFFLED);

    /** What of a training sample a method depends on. */
    enum Sample {
        /** Nothing. */
        NONE,
        /** Its texts: with all of them every seed gives the same. */
        ORDERLESS,
        /** Its texts and random numbers. */
        SHUFFLED
    }

    private final String title;
    private final Sample sample;

    Method(String title, Sample sample) {
        this.title = title;
        this.sample = sample;
    }

    String title() {
        return title;
    }

    Sample sample() {
        return sample;
    }
}
