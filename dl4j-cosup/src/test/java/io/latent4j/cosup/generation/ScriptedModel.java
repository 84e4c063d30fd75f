/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Wants to write a given list of tokens, one after each call; where it may not, its second choice is the smallest allowed
 * id. Its states are given, too: the n-th [Ret] has the n-th of them.
 */
final class ScriptedModel implements CausalLanguageModel {
    static final int VOCABULARY = 12;

    private final int retrieve;
    private final float[][] queries;
    private final int maxLength;
    private final int[] script;

    private final List<String> calls = new ArrayList<>();
    private int next;
    private int length;
    private int asked;

    ScriptedModel(int retrieve, float[][] queries, int maxLength, int... script) {
        this.retrieve = retrieve;
        this.queries = queries;
        this.maxLength = maxLength;
        this.script = script;
    }

    /** What was read since the last text began, call by call. */
    List<String> calls() {
        return calls;
    }

    @Override
    public int vocabularySize() {
        return VOCABULARY;
    }

    @Override
    public int stateSize() {
        return 2;
    }

    @Override
    public int maxLength() {
        return maxLength;
    }

    @Override
    public void reset() {
        if (next > 0 && length > 0) {
            length = 0;
            return; // the end of a text
        }
        calls.clear();
        next = 0;
        asked = 0;
    }

    @Override
    public Step append(int... tokens) {
        TokenChecks.requireTokens(tokens, length, this);
        length += tokens.length;
        calls.add(Arrays.stream(tokens).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
        float[] state = tokens[tokens.length - 1] == retrieve ? queries[asked++ % queries.length] : new float[2];
        double[] logits = new double[VOCABULARY];
        Arrays.setAll(logits, id -> -id);
        if (tokens[tokens.length - 1] != retrieve) { // what follows a [Ret] is not chosen
            logits[script[Math.min(next++, script.length - 1)]] = 10;
        }
        return new Step(Nd4j.createFromArray(new double[][] {logits}), Nd4j.createFromArray(new float[][] {state}));
    }
}
