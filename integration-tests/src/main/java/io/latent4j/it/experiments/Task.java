/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.lm.CausalLm;
import io.latent4j.vocabsem.LabelWords;
import java.util.Arrays;
import java.util.List;

/**
 * A text classification task as prompt: text, then a continuation, then the word of its class.
 *
 * @param name name in tables
 * @param train file of training texts below the data folder, {@code label<TAB>text}
 * @param test file of test texts
 * @param continuation what follows a text
 * @param classes labels in the files and their words
 */
public record Task(String name, String train, String test, String continuation, List<TaskClass> classes) {
    /**
     * A class.
     *
     * @param label what the files call it
     * @param name what it is
     * @param word what the language model would say
     */
    public record TaskClass(String label, String name, String word) {}

    /** The tasks of the table. Label words are frequent words that the corpus of the LSTM has too. */
    public static final List<Task> ALL = List.of(
            new Task(
                    "SST-2",
                    "sst2/train.tsv",
                    "sst2/test.tsv",
                    "it was",
                    List.of(new TaskClass("0", "negative", "bad"), new TaskClass("1", "positive", "good"))),
            new Task(
                    "TREC",
                    "trec/train.tsv",
                    "trec/test.tsv",
                    "the answer is a",
                    List.of(
                            new TaskClass("ABBR", "abbreviation", "abbreviation"),
                            new TaskClass("DESC", "description", "description"),
                            new TaskClass("ENTY", "entity", "thing"),
                            new TaskClass("HUM", "human", "person"),
                            new TaskClass("LOC", "location", "location"),
                            new TaskClass("NUM", "number", "number"))),
            new Task(
                    "AG News",
                    "agnews/train_10k.tsv",
                    "agnews/test.tsv",
                    "this is about",
                    List.of(
                            new TaskClass("World", "world", "world"),
                            new TaskClass("Sports", "sports", "sports"),
                            new TaskClass("Business", "business", "business"),
                            new TaskClass("Sci/Tech", "science and technology", "technology"))),
            new Task(
                    "SUBJ",
                    "subj/train.tsv",
                    "subj/test.tsv",
                    "this is",
                    List.of(new TaskClass("0", "subjective", "opinion"), new TaskClass("1", "objective", "fact"))),
            new Task(
                    "DBpedia",
                    "dbpedia14/train.tsv",
                    "dbpedia14/test.tsv",
                    "this is a",
                    List.of(
                            new TaskClass("Company", "company", "company"),
                            new TaskClass("EducationalInstitution", "educational institution", "school"),
                            new TaskClass("Artist", "artist", "artist"),
                            new TaskClass("Athlete", "athlete", "player"),
                            new TaskClass("OfficeHolder", "office holder", "politician"),
                            new TaskClass("MeanOfTransportation", "means of transportation", "vehicle"),
                            new TaskClass("Building", "building", "building"),
                            new TaskClass("NaturalPlace", "natural place", "river"),
                            new TaskClass("Village", "village", "village"),
                            new TaskClass("Animal", "animal", "animal"),
                            new TaskClass("Plant", "plant", "plant"),
                            new TaskClass("Album", "album", "album"),
                            new TaskClass("Film", "film", "film"),
                            new TaskClass("WrittenWork", "written work", "book"))));

    /** Copies the classes. */
    public Task {
        classes = List.copyOf(classes);
    }

    /**
     * Tokens of each class's word; of several ones the first that differs from the other classes' words.
     *
     * @param lm whose tokens
     * @return the label words
     */
    public LabelWords labelWords(CausalLm lm) {
        LabelWords.Builder builder = LabelWords.builder().tokenizer(word -> {
            int[] tokens = lm.encode(word);
            return Arrays.copyOfRange(tokens, 1, tokens.length);
        });
        classes.forEach(c -> builder.label(c.name(), c.word()));
        return builder.build();
    }

    /**
     * A prompt.
     *
     * @param lm whose tokens
     * @param text the text
     * @param maxTokens of the text, its start token counted; what is longer is cut off
     * @return token ids of text and continuation
     */
    public int[] prompt(CausalLm lm, String text, int maxTokens) {
        int[] start = lm.encode(text);
        int[] end = lm.encode(continuation);
        int kept = Math.min(start.length, maxTokens);
        int[] prompt = Arrays.copyOf(start, kept + end.length - 1);
        System.arraycopy(end, 1, prompt, kept, end.length - 1);
        return prompt;
    }

    /**
     * Index of a class.
     *
     * @param label what the files call it
     * @return 0 to the number of classes
     */
    public int classOf(String label) {
        for (int c = 0; c < classes.size(); c++) {
            if (classes.get(c).label().equals(label)) {
                return c;
            }
        }
        throw new IllegalArgumentException(name + ": expected a label of "
                + classes.stream().map(TaskClass::label).toList() + ", found " + label);
    }
}
