/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart.corpus;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.zip.CRC32;

/**
 * Collects texts, removes repetitions and splits what remains so that nothing leaks from training into the test.
 *
 * <p>The split goes by group (a source file): about 70 % of the groups are for training, 10 % for validation and 20 % for
 * the test. It depends on the groups' names only, so every run sees the same one. A text that several groups of one
 * class share is kept once, for training if one of them is; a text found under several classes says nothing and is
 * dropped.
 */
final class CorpusBuilder {
    private static final Pattern NOT_A_WORD = Pattern.compile("[^\\p{L}\\p{N}]+");

    /** What a group of texts is for. */
    enum Part {
        TRAIN,
        VALIDATION,
        TEST
    }

    private record Candidate(String source, String label, String text, String group, Part part) {}

    /** Best candidate for each normalised text. */
    private final Map<String, Candidate> kept = new LinkedHashMap<>();

    private final Set<String> contradicted = new HashSet<>();
    private int seen;

    void add(String source, String label, String text, String group) {
        seen++;
        Candidate candidate = new Candidate(source, label, text, group, part(group));
        String key = normalised(text);
        Candidate earlier = kept.putIfAbsent(key, candidate);
        if (earlier == null) {
            return;
        }
        if (!earlier.label.equals(label)) {
            contradicted.add(key);
        } else if (candidate.part.compareTo(earlier.part) < 0) {
            kept.put(key, candidate);
        }
    }

    Corpus build(String name) throws CorpusException {
        contradicted.forEach(kept::remove);
        Map<Part, List<Example>> parts =
                Map.of(Part.TRAIN, new ArrayList<>(), Part.VALIDATION, new ArrayList<>(), Part.TEST, new ArrayList<>());
        Map<String, Tally> tallies = new LinkedHashMap<>();
        for (Candidate candidate : kept.values()) {
            parts.get(candidate.part).add(new Example(candidate.label, candidate.text));
            tallies.computeIfAbsent(candidate.source, source -> new Tally()).add(candidate);
        }
        List<String> labels = List.copyOf(labels(kept.values()));
        check(name, labels, parts);
        return new Corpus(
                name,
                labels,
                List.copyOf(parts.get(Part.TRAIN)),
                List.copyOf(parts.get(Part.VALIDATION)),
                List.copyOf(parts.get(Part.TEST)),
                tallies.entrySet().stream()
                        .map(entry -> entry.getValue().source(entry.getKey()))
                        .toList(),
                seen - kept.size());
    }

    /** Case, punctuation and spacing don't make two texts different. */
    static String normalised(String text) {
        return NOT_A_WORD.matcher(text.toLowerCase(Locale.ROOT)).replaceAll(" ").strip();
    }

    private static Set<String> labels(Iterable<Candidate> candidates) {
        Set<String> labels = new TreeSet<>();
        candidates.forEach(candidate -> labels.add(candidate.label));
        return labels;
    }

    /** The same for a group in every run. */
    static Part part(String group) {
        CRC32 hash = new CRC32();
        hash.update(group.getBytes(StandardCharsets.UTF_8));
        long tenth = hash.getValue() % 10;
        return tenth < 7 ? Part.TRAIN : tenth == 7 ? Part.VALIDATION : Part.TEST;
    }

    private static void check(String name, List<String> labels, Map<Part, List<Example>> parts) throws CorpusException {
        if (labels.size() < 2) {
            throw new CorpusException(name + ": expected at least 2 different labels, found " + labels.size()
                    + (labels.isEmpty() ? "" : " (" + labels.get(0) + ")"));
        }
        for (Part part : Part.values()) {
            Set<String> missing = new TreeSet<>(labels);
            parts.get(part).forEach(example -> missing.remove(example.label()));
            if (!missing.isEmpty()) {
                throw new CorpusException(name + ": too few texts with label '"
                        + missing.iterator().next() + "': after the split none is left for "
                        + part.name().toLowerCase(Locale.ROOT)
                        + "; expected about 30 or more different texts for each label (found " + labels.size()
                        + " labels; the label must be the first column)");
            }
        }
    }

    /** Running counts of one source. */
    private static final class Tally {
        private final Set<String> groups = new HashSet<>();
        private final Set<String> labels = new TreeSet<>();
        private int sentences;
        private long words;

        void add(Candidate candidate) {
            groups.add(candidate.group);
            labels.add(candidate.label);
            sentences++;
            words += normalised(candidate.text).chars().filter(c -> c == ' ').count() + 1;
        }

        Corpus.Source source(String name) {
            String label = labels.size() == 1 ? labels.iterator().next() : "";
            return new Corpus.Source(name, label, groups.size(), sentences, words);
        }
    }
}
