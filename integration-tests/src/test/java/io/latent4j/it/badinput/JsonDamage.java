/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.nd4j.shade.jackson.databind.node.ObjectNode;

/**
 * One way to damage a field of JSON.
 *
 * @param kind what is done
 * @param field which field, counted through all that may be damaged, as often as it takes
 * @param value number of the value that comes there
 */
record JsonDamage(Kind kind, int field, int value) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Values of all types, and numbers in and out of all ranges. */
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "2",
            "7",
            "0.5",
            "-0.5",
            "1.5",
            "1e-300",
            "1e300",
            "-1e300",
            "1e400",
            "\"NaN\"",
            "\"Infinity\"",
            "\"-Infinity\"",
            "2147483647",
            "-2147483648",
            "9223372036854775807",
            "99999999999999999999999",
            "\"\"",
            "\"text\"",
            "\"NWC\"",
            "\"DOT\"",
            "[]",
            "[1,2]",
            "{}",
            "{\"@class\":\"java.lang.Object\"}",
            "{\"@class\":\"no.such.Class\"}");

    /** What can be done. */
    enum Kind {
        REPLACE,
        REMOVE,
        ADD,
        RENAME,
        NEST
    }

    static Arbitrary<JsonDamage> any() {
        return Combinators.combine(
                        Arbitraries.frequencyOf(
                                Tuple.of(8, Arbitraries.just(Kind.REPLACE)), Tuple.of(1, Arbitraries.of(Kind.class))),
                        Arbitraries.integers().between(0, 9999),
                        Arbitraries.integers().between(0, VALUES.size() - 1))
                .as(JsonDamage::new)
                .withoutEdgeCases();
    }

    /**
     * The damaged text.
     *
     * @param ours whether only fields of our own components are damaged, or all
     */
    String apply(String json, boolean ours) throws IOException {
        JsonNode root = JSON.readTree(json);
        List<Runnable> ways = new ArrayList<>();
        visit(root, !ours, !ours, (object, name) -> ways.add(() -> damage(object, name)));
        if (ways.isEmpty()) { // earlier damage left nothing to damage
            return json;
        }
        ways.get(field % ways.size()).run();
        String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root);
        return kind == Kind.NEST ? text.replace("\"@deep\"", "[".repeat(20_000) + "]".repeat(20_000)) : text;
    }

    /** The text with all damage, up to the first that is too deep to be read again. */
    static String apply(List<JsonDamage> damage, String json, boolean ours) throws IOException {
        String damaged = json;
        for (JsonDamage one : damage) {
            damaged = one.apply(damaged, ours);
            if (one.kind == Kind.NEST) {
                break;
            }
        }
        return damaged;
    }

    private void damage(ObjectNode object, String name) {
        switch (kind) {
            case REPLACE -> object.set(name, node());
            case REMOVE -> object.remove(name);
            case ADD -> object.set(name + "More", node());
            case RENAME -> object.set(name + "Renamed", object.remove(name));
            case NEST -> object.put(name, "@deep");
        }
    }

    private JsonNode node() {
        try {
            return JSON.readTree(VALUES.get(value));
        } catch (IOException e) {
            throw new IllegalStateException(VALUES.get(value), e);
        }
    }

    /** Visits the fields of our components and of what of ours they hold, or of everything. */
    private static void visit(
            JsonNode node, boolean everything, boolean included, BiConsumer<ObjectNode, String> visitor) {
        String type = node.path("@class").asText();
        boolean ours = everything || (type.isEmpty() ? included : type.startsWith("io.latent4j."));
        if (node instanceof ObjectNode object) {
            List<String> names = new ArrayList<>();
            object.fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                if (ours) {
                    visitor.accept(object, name);
                }
                visit(object.get(name), everything, ours, visitor);
            }
        } else {
            node.forEach(child -> visit(child, everything, ours, visitor));
        }
    }

    @Override
    public String toString() {
        return kind + " field " + field + (kind == Kind.REPLACE || kind == Kind.ADD ? " " + VALUES.get(value) : "");
    }
}
