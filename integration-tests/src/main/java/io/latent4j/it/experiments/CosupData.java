/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.cosup.data.CoSupervisionData;
import io.latent4j.cosup.data.Passage;
import io.latent4j.cosup.data.SquadReader;
import io.latent4j.cosup.data.SquadReader.Question;
import io.latent4j.cosup.data.SquadReader.Squad;
import io.latent4j.it.lm.Words;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What is trained on and what is measured on: the training file's articles are dealt out by turns to two halves, of which
 * one trains.
 *
 * @param training questions of the first half's articles, less those that are measured on
 * @param tests what is measured on, by name
 * @param tokenizer most frequent words of the first half
 */
record CosupData(CoSupervisionData training, Map<String, TestSet> tests, WordTokenizer tokenizer) {
    static final String DEV = "dev";
    static final String SEEN = "seen articles";
    static final String UNSEEN = "unseen articles";
    static final String TUNING = "tuning";
    static final List<String> TESTS = List.of(DEV, SEEN, UNSEEN, TUNING);

    /**
     * Questions, each about a passage of its own, and the passages to choose from.
     *
     * @param questions the questions
     * @param passages the passages, in order
     */
    record TestSet(List<Question> questions, List<Passage> passages) {
        /** The passages by their ids, in order. */
        Map<String, Passage> byId() {
            Map<String, Passage> byId = new LinkedHashMap<>();
            passages.forEach(passage -> byId.put(passage.id(), passage));
            return byId;
        }
    }

    /**
     * Reads SQuAD.
     *
     * @param folder where its files are
     * @param vocabulary most tokens, without the five special ones
     * @param candidates most passages of a test set
     */
    static CosupData read(Path folder, int vocabulary, int candidates) throws IOException {
        Squad train = SquadReader.read(folder.resolve("train-v1.1.json.gz"));
        Squad dev = SquadReader.read(folder.resolve("dev-v1.1.json.gz"));
        Set<String> firstHalf = new HashSet<>();
        Set<String> titles = new HashSet<>();
        for (Question question : train.questions()) {
            if (titles.add(question.title()) && titles.size() % 2 == 1) {
                firstHalf.add(question.title());
            }
        }
        Map<Boolean, List<Question>> halves =
                new LinkedHashMap<>(Map.of(true, new ArrayList<>(), false, new ArrayList<>()));
        train.questions().forEach(question -> halves.get(firstHalf.contains(question.title()))
                .add(question));
        List<Question> first = halves.get(true);
        Map<String, TestSet> tests = Map.of(
                DEV, testSet(dev.questions(), dev.passages(), candidates, 1),
                SEEN, testSet(first, train.passages(), candidates, 1),
                UNSEEN, testSet(halves.get(false), train.passages(), candidates, 1),
                TUNING, testSet(first, train.passages(), candidates, 2));
        Set<String> heldOut = new HashSet<>();
        Stream.of(SEEN, TUNING)
                .flatMap(name -> tests.get(name).questions().stream())
                .forEach(question -> heldOut.add(question.id()));
        List<Question> trained = first.stream()
                .filter(question -> !heldOut.contains(question.id()))
                .toList();
        Map<String, Passage> passages = new LinkedHashMap<>();
        trained.forEach(
                question -> passages.put(question.passageId(), train.passages().get(question.passageId())));
        List<String> texts = Stream.concat(
                        passages.values().stream().map(Passage::text),
                        trained.stream().map(Question::text))
                .toList();
        return new CosupData(
                new CoSupervisionData(trained.stream().map(Question::toInstance).toList(), passages),
                tests,
                new WordTokenizer(Words.of(texts, vocabulary)));
    }

    /**
     * Passages at even distances, and one question about each.
     *
     * @param fromEnd which of a passage's questions, 1 for the last; passages with no more than that are left out
     */
    private static TestSet testSet(
            List<Question> questions, Map<String, Passage> passages, int candidates, int fromEnd) {
        Map<String, List<Question>> byPassage = new LinkedHashMap<>();
        questions.forEach(question -> byPassage
                .computeIfAbsent(question.passageId(), id -> new ArrayList<>())
                .add(question));
        List<String> ids = byPassage.keySet().stream()
                .filter(id -> byPassage.get(id).size() >= fromEnd)
                .toList();
        int count = Math.min(candidates, ids.size());
        List<Question> chosen = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<Question> about = byPassage.get(ids.get((int) ((long) i * ids.size() / count)));
            chosen.add(about.get(about.size() - fromEnd));
        }
        return new TestSet(
                chosen,
                chosen.stream()
                        .map(question -> passages.get(question.passageId()))
                        .toList());
    }
}
