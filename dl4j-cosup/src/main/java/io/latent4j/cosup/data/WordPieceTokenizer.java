/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.deeplearning4j.text.tokenization.tokenizerfactory.BertWordPieceTokenizerFactory;

/**
 * BERT's word pieces through DL4J-NLP (optional dependency {@code org.deeplearning4j:deeplearning4j-nlp}). A word that the
 * vocabulary's pieces can't make is {@code [UNK]}; characters that it doesn't hold at all are dropped, as DL4J does.
 */
public final class WordPieceTokenizer implements TextTokenizer {
    private static final String UNKNOWN = "[UNK]";
    private static final String CONTINUATION = "##";

    private final BertWordPieceTokenizerFactory pieces;
    private final Map<String, Integer> ids;
    private final List<String> tokens;
    private final int unknown;

    private WordPieceTokenizer(BertWordPieceTokenizerFactory pieces, List<String> tokens) {
        this.pieces = pieces;
        this.ids = pieces.getVocab();
        this.tokens = tokens;
        this.unknown = ids.get(UNKNOWN);
    }

    /**
     * Reads a vocabulary.
     *
     * @param vocabulary UTF-8 file of one piece per line, such as BERT's {@code vocab.txt}; must contain {@code [UNK]}
     * @param lowerCase whether the vocabulary is uncased: text is put into lower case and stripped of accents
     * @return the tokenizer
     * @throws IOException if the file can't be read, names a piece twice or lacks {@code [UNK]}
     */
    public static WordPieceTokenizer read(Path vocabulary, boolean lowerCase) throws IOException {
        List<String> tokens;
        try {
            tokens = Files.readAllLines(vocabulary);
        } catch (CharacterCodingException e) {
            throw new IOException(vocabulary + ": expected UTF-8 text, found other bytes", e);
        }
        BertWordPieceTokenizerFactory pieces =
                new BertWordPieceTokenizerFactory(vocabulary.toFile(), lowerCase, lowerCase, StandardCharsets.UTF_8);
        for (int id = 0; id < tokens.size(); id++) {
            Integer found = pieces.getVocab().get(tokens.get(id));
            if (found == null || found != id) {
                throw new IOException(vocabulary + ", line " + (id + 1)
                        + ": expected a piece that is nowhere else, found \"" + tokens.get(id) + '"');
            }
        }
        if (!pieces.getVocab().containsKey(UNKNOWN)) {
            throw new IOException(vocabulary + ": expected a piece " + UNKNOWN + ", found none in " + tokens.size());
        }
        return new WordPieceTokenizer(pieces, List.copyOf(tokens));
    }

    @Override
    public int[] encode(String text) {
        return Arrays.stream(text.split("\\s+"))
                .filter(word -> !word.isEmpty())
                .flatMapToInt(word -> Arrays.stream(encodeWord(word)))
                .toArray();
    }

    private int[] encodeWord(String word) {
        List<String> found;
        try {
            found = pieces.create(word).getTokens();
        } catch (IllegalStateException noPieceFits) { // DL4J's way of saying that
            return new int[] {unknown};
        }
        return found.stream().mapToInt(ids::get).toArray();
    }

    @Override
    public String decode(int[] ids) {
        List<String> words = new ArrayList<>();
        for (int id : ids) {
            if (id < 0 || id >= tokens.size()) {
                throw new IllegalArgumentException("ids must be from 0 to " + (tokens.size() - 1) + ", found " + id);
            }
            String token = tokens.get(id);
            if (token.startsWith(CONTINUATION) && !words.isEmpty()) {
                words.set(words.size() - 1, words.get(words.size() - 1) + token.substring(CONTINUATION.length()));
            } else {
                words.add(token);
            }
        }
        return words.stream().collect(Collectors.joining(" "));
    }

    @Override
    public int vocabularySize() {
        return tokens.size();
    }
}
