/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.deeplearning4j.arbiter.optimize.api.OptimizationResult;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;
import org.deeplearning4j.arbiter.optimize.runner.IOptimizationRunner;
import org.deeplearning4j.arbiter.optimize.runner.listener.StatusListener;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows how a search with Arbiter is getting on, in one HTML page that a browser keeps up to date by itself: best score so
 * far, options and score of each candidate as parallel coordinates, importance of the options, and a table of all
 * candidates, failed ones with their error.
 *
 * <pre>{@code
 * runner.addListeners(new SearchDashboard(Path.of("search.html")));
 * runner.execute();
 * }</pre>
 *
 * <p>The page needs no server and no network. It is written anew when a candidate is made, starts, or ends, and replaced as
 * a whole, so that a browser never reads half a page. A page that can't be written is logged and does not end the search.
 *
 * <p>The best candidate is that of all which have a score; of equal ones Arbiter's. Candidates that end while Arbiter shuts
 * down are shown, and may be better than its best, as it can leave them out of its results.
 *
 * <p>Arbiter reports a failed candidate only with the next change of the runner, so it appears up to a few seconds late.
 */
public final class SearchDashboard implements StatusListener {
    private static final Logger log = LoggerFactory.getLogger(SearchDashboard.class);
    private static final int REFRESH_SECONDS = 5;

    private final Path page;
    private final String title;
    private final int refreshSeconds;
    private final Map<Integer, CandidateInfo> candidates = new TreeMap<>();

    private Instant started = Instant.now();
    private boolean finished;
    private @Nullable IOptimizationRunner runner;
    private List<HyperParameter> parameters = List.of();

    /**
     * Writes a page that reads itself again every five seconds.
     *
     * @param page the file to write; its folder is made if it does not exist
     */
    public SearchDashboard(Path page) {
        this(page, "Hyper-parameter search", REFRESH_SECONDS);
    }

    /**
     * Writes a page.
     *
     * @param page the file to write; its folder is made if it does not exist
     * @param title what the search is about, plain text
     * @param refreshSeconds after how many seconds a browser reads it again, at least 1
     * @throws IllegalArgumentException if that is less
     */
    public SearchDashboard(Path page, String title, int refreshSeconds) {
        this.page =
                Objects.requireNonNull(page, "page must be a file, found null").toAbsolutePath();
        this.title = Objects.requireNonNull(title, "title must be a text, found null");
        if (refreshSeconds < 1) {
            throw new IllegalArgumentException("refreshSeconds must be at least 1, found " + refreshSeconds);
        }
        this.refreshSeconds = refreshSeconds;
    }

    @Override
    public synchronized void onInitialization(IOptimizationRunner runner) {
        started = Instant.now();
        finished = false;
        candidates.clear();
        update(runner);
    }

    @Override
    public synchronized void onShutdown(IOptimizationRunner runner) {
        finished = true;
        update(runner);
    }

    @Override
    public synchronized void onRunnerStatusChange(IOptimizationRunner runner) {
        update(runner);
    }

    @Override
    public synchronized void onCandidateStatusChange(
            CandidateInfo candidateInfo, IOptimizationRunner runner, @Nullable OptimizationResult result) {
        merge(candidateInfo);
        update(runner);
    }

    /** Marks the candidate as running; does nothing from its second iteration on. */
    @Override
    public synchronized void onCandidateIteration(CandidateInfo candidateInfo, Object candidate, int iteration) {
        if (merge(candidateInfo) && runner != null) {
            update(runner);
        }
    }

    private void update(IOptimizationRunner runner) {
        this.runner = runner;
        runner.getCandidateStatus().forEach(this::merge);
        try {
            if (parameters.isEmpty()) {
                parameters = HyperParameter.of(
                        runner.getConfiguration().getCandidateGenerator().getParameterSpace());
            }
            ScoreFunction score = runner.getConfiguration().getScoreFunction();
            write(SearchPage.html(
                    new SearchState(
                            title,
                            score.toString(),
                            score.minimize(),
                            parameters,
                            List.copyOf(candidates.values()),
                            runner.bestScoreCandidateIndex(),
                            started,
                            Instant.now(),
                            finished),
                    refreshSeconds));
        } catch (IOException | RuntimeException e) { // Arbiter would end the search, which is worth more than its page
            log.warn("{} could not be written", page, e);
        }
    }

    /** Keeps the later of what is known of a candidate, as Arbiter's threads report it in any order. */
    private boolean merge(CandidateInfo candidate) {
        CandidateInfo known = candidates.get(candidate.getIndex());
        boolean news = known == null || progress(candidate) > progress(known);
        if (news) {
            candidates.put(candidate.getIndex(), copy(candidate));
        }
        return news;
    }

    private static int progress(CandidateInfo candidate) {
        CandidateStatus status = candidate.getCandidateStatus();
        return status == CandidateStatus.Created ? 0 : status == CandidateStatus.Running ? 1 : 2;
    }

    /** Arbiter changes what it has reported. */
    private static CandidateInfo copy(CandidateInfo candidate) {
        return new CandidateInfo(
                candidate.getIndex(),
                candidate.getCandidateStatus(),
                candidate.getScore(),
                candidate.getCreatedTime(),
                candidate.getStartTime(),
                candidate.getEndTime(),
                candidate.getFlatParams(),
                candidate.getExceptionStackTrace());
    }

    private void write(String html) throws IOException {
        Path folder = Objects.requireNonNull(page.getParent(), "page must be a file in a folder");
        Files.createDirectories(folder);
        Path draft = folder.resolve(page.getFileName() + ".part");
        Files.writeString(draft, html);
        Files.move(draft, page, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }
}
