/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.deeplearning4j.arbiter.optimize.parameter.discrete.DiscreteParameterSpace;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The dashboard as Chromium shows it, through its command line; skipped where there is none on the path. */
class SearchDashboardBrowserTest {
    private static final int CANDIDATES = 16;

    @TempDir
    Path folder;

    private static Path browser() {
        Optional<Path> found = Stream.of("chromium", "chromium-browser", "google-chrome")
                .flatMap(name -> Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                        .map(directory -> Path.of(directory, name)))
                .filter(Files::isExecutable)
                .findFirst();
        assumeTrue(found.isPresent(), "neither chromium, chromium-browser nor google-chrome is on the path");
        return found.orElseThrow();
    }

    /** What the browser writes to its standard output. */
    private String browse(String... arguments) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "dom", ".html");
        Path profile = Files.createTempDirectory(folder, "profile");
        List<String> command = new ArrayList<>(List.of(
                browser().toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--user-data-dir=" + profile));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectOutput(output.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the browser did not end");
        } finally {
            process.destroyForcibly();
        }
        assertEquals(0, process.exitValue(), "exit value of the browser");
        return Files.readString(output);
    }

    private static long count(String dom, String pattern) {
        return Pattern.compile(pattern).matcher(dom).results().count();
    }

    /** A search of which candidates 3 and 9 fail. */
    private Path search(int candidates, boolean ends) {
        Path page = folder.resolve("search.html");
        ReplayedSearch search = new ReplayedSearch(ReplayedSearch.networks());
        search.addListeners(new SearchDashboard(page, "Three methods on TREC", 1));
        search.begin();
        for (int i = 0; i < candidates; i++) {
            CandidateInfo candidate = search.create();
            search.iterate(candidate);
            if (i == 3 || i == 9) {
                search.fail(candidate, "java.lang.IllegalArgumentException: width must be <even>\n\tat Layer.init");
            } else {
                search.complete(candidate, search.score(candidate));
            }
        }
        if (ends) {
            search.end();
        } else {
            search.iterate(search.create());
            search.create();
        }
        return page;
    }

    @Test
    void theRenderedPageHasAllCandidates() throws Exception {
        String dom = browse("--dump-dom", search(CANDIDATES, true).toUri().toString());
        assertTrue(dom.contains("data-state=\"finished\""), dom);
        assertEquals(CANDIDATES, count(dom, "<tr data-candidate="));
        assertEquals(2, count(dom, "<tr data-candidate=\"(3|9)\" class=\"failed\""));
        assertEquals(1, count(dom, "complete top"));
        assertEquals(CANDIDATES, count(dom, "<polyline"));
        assertEquals(1, count(dom, "class=\"line best\""));
        assertEquals(2, count(dom, "class=\"line failed\""));
        assertEquals(CANDIDATES - 2, count(dom, "class=\"point\""));
        assertEquals(2, count(dom, "class=\"cross\""));
        assertEquals(6, count(dom, "class=\"bar\""));
        assertEquals(
                2, count(dom, "<summary>java.lang.IllegalArgumentException: width must be &lt;even&gt;</summary>"));
    }

    @Test
    void itReadsItselfAgainUntilTheSearchHasEnded() throws Exception {
        byte[] running = Files.readAllBytes(search(5, false));
        byte[] finished = Files.readAllBytes(search(8, true));
        AtomicInteger requests = new AtomicInteger();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/search.html", exchange -> {
            byte[] page = requests.incrementAndGet() == 1 ? running : finished;
            exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
            exchange.sendResponseHeaders(200, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        server.start();
        try {
            String dom = browse(
                    "--virtual-time-budget=10000",
                    "--dump-dom",
                    "http://" + server.getAddress().getAddress().getHostAddress() + ":"
                            + server.getAddress().getPort() + "/search.html");
            assertTrue(dom.contains("data-state=\"finished\""), dom);
            assertEquals(8, count(dom, "<tr data-candidate="));
            assertEquals(2, requests.get(), "the finished page stays");
        } finally {
            server.stop(0);
        }
        assertTrue(new String(running, StandardCharsets.UTF_8).contains("data-state=\"running\""));
    }

    @Test
    void strangeTextStaysText() throws Exception {
        Path page = folder.resolve("strange.html");
        ReplayedSearch search = new ReplayedSearch(new DiscreteParameterSpace<>(ReplayedSearch.Choice.values()));
        search.addListeners(new SearchDashboard(page, "</title><script>document.body.id = 'taken'</script>", 1));
        IntStream.range(0, 12).forEach(i -> search.complete(search.create(), i));
        search.fail(search.create(), "</pre><img src=x onerror=\"document.body.id = 'taken'\">");
        search.end();
        String dom = browse("--dump-dom", page.toUri().toString());
        assertFalse(dom.contains("id=\"taken\""), dom);
        assertEquals(0, count(dom, "<script|<img|<b>"));
        assertTrue(dom.contains("&lt;b&gt;\"tanh\" &amp; 'co'&lt;/b&gt;"));
        assertEquals(13, count(dom, "<tr data-candidate="));
    }

    @Test
    void itIsDrawn() throws Exception {
        Path picture = folder.resolve("search.png");
        String page = search(CANDIDATES, true).toUri().toString();
        browse("--window-size=1300,1800", "--screenshot=" + picture, page);
        BufferedImage image = ImageIO.read(picture.toFile());
        long colours = IntStream.range(0, image.getWidth() * image.getHeight())
                .map(i -> image.getRGB(i % image.getWidth(), i / image.getWidth()))
                .distinct()
                .count();
        assertTrue(colours > 100, "lines and text are drawn, found " + colours + " colours");
        int accent = 0xFFB8320A; // of the best candidate's line, in the light theme of headless browsers
        assertTrue(
                IntStream.range(0, image.getWidth() * image.getHeight())
                                .filter(i -> image.getRGB(i % image.getWidth(), i / image.getWidth()) == accent)
                                .count()
                        > 500,
                "the best-so-far line and the best candidate's are there");
    }
}
