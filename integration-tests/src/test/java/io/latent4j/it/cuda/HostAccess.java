/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.cuda;

import static net.bytebuddy.matcher.ElementMatchers.isPublic;
import static net.bytebuddy.matcher.ElementMatchers.nameMatches;
import static net.bytebuddy.matcher.ElementMatchers.named;

import java.lang.StackWalker.StackFrame;
import java.util.Map;
import java.util.TreeMap;
import net.bytebuddy.agent.ByteBuddyAgent;
import net.bytebuddy.agent.builder.AgentBuilder;
import net.bytebuddy.agent.builder.AgentBuilder.RedefinitionStrategy;
import net.bytebuddy.asm.Advice;
import org.nd4j.linalg.api.buffer.BaseDataBuffer;
import org.nd4j.linalg.api.ndarray.BaseNDArray;

/**
 * Counts the calls by which Latent4J itself moves array elements between device and host: each of them waits for the
 * device. What DL4J and ND4J do behind a call of theirs is not counted.
 */
public final class HostAccess {
    /** A number at a time. */
    private static final String SCALAR =
            "get(Double|Float|Int|Long|Number)|put|putScalar|[a-zA-Z0-9]+Number|put(Double|Float|Int|Long)";
    /** An array at a time. */
    private static final String BULK = "to(Double|Float|Int|Long)(Vector|Matrix)|as(Double|Float|Int|Long)|asNio\\w*";

    private static final String OURS = "io.latent4j.";
    private static final StackWalker WALKER = StackWalker.getInstance();
    private static volatile boolean counting;
    private static final Map<String, Integer> CALLS = new TreeMap<>();

    private HostAccess() {}

    /** What is run at the entry of each of ND4J's methods. */
    public static final class Entry {
        private Entry() {}

        /** Counts the call if it is one of ours. */
        @Advice.OnMethodEnter
        public static void enter() {
            HostAccess.entered();
        }
    }

    static void install() {
        new AgentBuilder.Default()
                .disableClassFormatChanges()
                .with(RedefinitionStrategy.RETRANSFORMATION)
                .with(RedefinitionStrategy.Listener.ErrorEscalating.FAIL_FAST)
                .ignore(named("none"))
                .type(named(BaseNDArray.class.getName()).or(named(BaseDataBuffer.class.getName())))
                .transform((builder, type, loader, module, domain) ->
                        builder.visit(Advice.to(Entry.class).on(isPublic().and(nameMatches(SCALAR + "|" + BULK)))))
                .installOn(ByteBuddyAgent.install());
    }

    /** Public for the code that is woven into ND4J. */
    public static void entered() {
        if (!counting) {
            return;
        }
        // The method itself, overloads that hand on to it, then who wanted it
        WALKER.walk(frames -> frames.skip(1)
                        .dropWhile(frame -> frame.getClassName().startsWith("org.nd4j.linalg.api.ndarray.BaseNDArray")
                                || frame.getClassName().startsWith("org.nd4j.linalg.api.buffer.BaseDataBuffer"))
                        .findFirst())
                .filter(frame -> frame.getClassName().startsWith(OURS))
                .map(HostAccess::place)
                .ifPresent(place -> {
                    synchronized (CALLS) {
                        CALLS.merge(place, 1, Integer::sum);
                    }
                });
    }

    private static String place(StackFrame frame) {
        return frame.getClassName().substring(OURS.length()) + "." + frame.getMethodName() + ":"
                + frame.getLineNumber();
    }

    /** The calls that some code makes, by the place in our code that makes them. */
    static Map<String, Integer> of(Runnable code) {
        synchronized (CALLS) {
            CALLS.clear();
        }
        counting = true;
        try {
            code.run();
        } finally {
            counting = false;
        }
        synchronized (CALLS) {
            return new TreeMap<>(CALLS);
        }
    }
}
