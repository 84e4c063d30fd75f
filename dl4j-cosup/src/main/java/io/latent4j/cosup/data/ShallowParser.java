/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.cosup.data;

import java.io.IOException;
import org.nd4j.shade.jackson.core.JsonParseException;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.core.JsonToken;
import org.nd4j.shade.jackson.core.util.JsonParserDelegate;

/** A parser that refuses deep nesting, which would overflow the stack of those who read trees from it. */
final class ShallowParser extends JsonParserDelegate {
    private static final int MAX_DEPTH = 100;

    private int depth;

    ShallowParser(JsonParser parser) {
        super(parser);
    }

    @Override
    public JsonToken nextToken() throws IOException {
        JsonToken token = super.nextToken();
        if (token != null && token.isStructStart() && ++depth > MAX_DEPTH) {
            throw new JsonParseException(this, "more than " + MAX_DEPTH + " levels of nesting");
        }
        if (token != null && token.isStructEnd()) {
            depth--;
        }
        return token;
    }

    @Override
    public JsonParser skipChildren() throws IOException {
        JsonToken skipped = currentToken();
        super.skipChildren();
        if (skipped != null && skipped.isStructStart()) {
            depth--;
        }
        return this;
    }
}
