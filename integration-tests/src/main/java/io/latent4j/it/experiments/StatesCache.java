/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.experiments;

import io.latent4j.it.lm.CausalLm;
import io.latent4j.it.lm.Digests;
import io.latent4j.it.quickstart.corpus.CorpusException;
import io.latent4j.it.quickstart.corpus.Example;
import io.latent4j.it.quickstart.corpus.LabelledFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs texts through a language model once and keeps the states on disk.
 *
 * @param folder where to keep them
 * @param maxTokens tokens of a text that the model sees
 */
record StatesCache(Path folder, int maxTokens) {
    private static final int BATCH = 32;

    /** The first texts of a file, in its order; with 0 all of them. */
    static List<Example> texts(Path file, int limit) throws CorpusException {
        List<Example> all = LabelledFile.rows(file);
        return limit == 0 || limit >= all.size() ? all : all.subList(0, limit);
    }

    States of(CausalLm lm, Task task, Path file, int limit, IntConsumer progress) throws IOException, CorpusException {
        List<Example> texts = texts(file, limit);
        int[] labels =
                texts.stream().mapToInt(text -> task.classOf(text.label())).toArray();
        String key = Digests.sha256(file, lm.fingerprint(), task.continuation(), maxTokens, limit);
        Path saved = folder.resolve(String.format(
                Locale.ROOT, "states-%s-%s-%s.bin", lm.name(), file.getParent().getFileName(), key));
        if (!Files.isReadable(saved)) {
            Files.createDirectories(folder);
            Path part = folder.resolve(saved.getFileName() + ".part");
            Nd4j.saveBinary(run(lm, task, texts, progress), part.toFile());
            Files.move(part, saved, StandardCopyOption.REPLACE_EXISTING);
        } else {
            progress.accept(texts.size());
        }
        INDArray states = Nd4j.readBinary(saved.toFile());
        return new States(states.dup('c'), labels, task.classes().size());
    }

    /** Texts of like length together: little time goes into padding. */
    private INDArray run(CausalLm lm, Task task, List<Example> texts, IntConsumer progress) {
        List<int[]> prompts = texts.stream()
                .map(text -> task.prompt(lm, text.text(), maxTokens))
                .toList();
        int[] order = IntStream.range(0, prompts.size())
                .boxed()
                .sorted(Comparator.comparingInt(i -> prompts.get(i).length))
                .mapToInt(Integer::intValue)
                .toArray();
        INDArray states = Nd4j.createUninitialized(DataType.FLOAT, new long[] {prompts.size(), lm.width()}, 'c');
        for (int from = 0; from < order.length; from += BATCH) {
            int[] rows = Arrays.copyOfRange(order, from, Math.min(from + BATCH, order.length));
            List<int[]> batch = new ArrayList<>();
            for (int row : rows) {
                batch.add(prompts.get(row));
            }
            INDArray found = lm.lastStates(batch);
            for (int i = 0; i < rows.length; i++) {
                states.putRow(rows[i], found.getRow(i));
            }
            progress.accept(rows.length);
        }
        return states;
    }
}
