/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.soak;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.reflect.Field;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.deallocation.DeallocatorService;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the JVM holds when everything unreachable is gone.
 *
 * @param heap bytes of Java heap in use
 * @param tracked bytes that JavaCPP knows of
 * @param beyondHeap bytes of memory in use by the process, less what Java has committed: ND4J's and OpenBLAS' own, mostly
 * @param nativeObjects buffers, workspaces and contexts that ND4J would free one day
 * @param workspaces number of this thread's workspaces
 * @param workspaceBytes their bytes together
 * @param threads number of threads
 */
record Footprint(
        long heap, long tracked, long beyondHeap, int nativeObjects, int workspaces, long workspaceBytes, int threads) {

    static Footprint take() {
        collect();
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        return new Footprint(
                memory.getHeapMemoryUsage().getUsed(),
                Pointer.totalBytes(),
                Pointer.physicalBytes()
                        - memory.getHeapMemoryUsage().getCommitted()
                        - memory.getNonHeapMemoryUsage().getCommitted(),
                countNativeObjects(),
                Nd4j.getWorkspaceManager().getAllWorkspacesForCurrentThread().size(),
                Nd4j.getWorkspaceManager().getAllWorkspacesForCurrentThread().stream()
                        .mapToLong(MemoryWorkspace::getCurrentSize)
                        .sum(),
                ManagementFactory.getThreadMXBean().getThreadCount());
    }

    /** Collects garbage until another collection leaves nothing to do for the threads that free native memory. */
    private static void collect() {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        int before;
        do {
            before = countNativeObjects();
            System.gc();
            awaitDeallocators(deadline);
        } while (countNativeObjects() != before && System.nanoTime() < deadline);
    }

    /** Until a second has passed in which nothing was freed. */
    private static void awaitDeallocators(long deadline) {
        int before = countNativeObjects();
        int unchanged = 0;
        while (unchanged < 10 && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            int now = countNativeObjects();
            unchanged = now == before ? unchanged + 1 : 0;
            before = now;
        }
    }

    /** The deallocator service has no accessor for the objects that it watches. */
    private static int countNativeObjects() {
        try {
            Field references = DeallocatorService.class.getDeclaredField("referenceMap");
            references.setAccessible(true);
            return ((Map<?, ?>) references.get(Nd4j.getDeallocatorService())).size();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
