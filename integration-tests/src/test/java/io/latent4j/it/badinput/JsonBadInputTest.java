/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.badinput;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.deeplearning4j.nn.api.Model;

/**
 * Configurations as JSON, with fields altered, missing and added, and text damaged: the network that comes out trains, or
 * there is a clear exception.
 */
class JsonBadInputTest {
    /** Larger networks are accepted, but not tried: that DL4J allocates what it is told to is as it should be. */
    private static final long MAX_PARAMETERS = 1_000_000;

    private static final Map<Networks, String> JSON = new EnumMap<>(Networks.class);

    private static String intact(Networks kind) {
        return JSON.computeIfAbsent(kind, Networks::json);
    }

    @Provide
    Arbitrary<Networks> networks() {
        return Arbitraries.of(Networks.class);
    }

    @Provide
    Arbitrary<List<JsonDamage>> damage() {
        return JsonDamage.any().list().ofMinSize(1).ofMaxSize(2).withoutEdgeCases();
    }

    @Provide
    Arbitrary<List<Damage>> bytes() {
        return Damage.some();
    }

    @Property(seed = "10")
    void fieldsOfOurComponents(@ForAll("networks") Networks kind, @ForAll("damage") List<JsonDamage> damage)
            throws Exception {
        String damaged = JsonDamage.apply(damage, intact(kind), true);
        // A field of ours may be replaced by what DL4J's reader cannot make a layer of
        Sweep.attemptOfDl4j("JSON: fields of our components", () -> use(kind, damaged, true));
    }

    @Property(seed = "11")
    void fieldsOfNetworks(@ForAll("networks") Networks kind, @ForAll("damage") List<JsonDamage> damage)
            throws Exception {
        String damaged = JsonDamage.apply(damage, intact(kind), false);
        Sweep.attemptOfDl4j("JSON: fields of whole networks", () -> use(kind, damaged, false));
    }

    @Property(seed = "12")
    void text(@ForAll("networks") Networks kind, @ForAll("bytes") List<Damage> damage) {
        String damaged = new String(
                Damage.apply(damage, intact(kind).getBytes(StandardCharsets.UTF_8)), StandardCharsets.ISO_8859_1);
        Sweep.attemptOfDl4j("JSON: text of networks", () -> use(kind, damaged, false));
    }

    private static void use(Networks kind, String json, boolean ours) throws Exception {
        Model model = kind.read(json);
        if (Networks.parameters(model) <= MAX_PARAMETERS) {
            model.init();
            try {
                Networks.step(model, kind.batch());
            } catch (NotFinite e) {
                if (ours) {
                    throw e;
                }
                // As DL4J was told, with a learning rate or a bias of 1e300
                throw new ArithmeticException("DL4J computes numbers that aren't finite: " + e.getMessage());
            }
        }
    }
}
