/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import io.latent4j.it.Html;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;

/** A search as one HTML page that needs nothing else. */
final class SearchPage {
    private static final String STYLE = "dashboard.css";
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);

    private final SearchState state;
    private final StringBuilder html = new StringBuilder();

    private SearchPage(SearchState state) {
        this.state = state;
    }

    /**
     * Writes the page.
     *
     * @param refresh after how many seconds a browser reads it again while the search goes on
     */
    static String html(SearchState state, int refresh) {
        SearchPage page = new SearchPage(state);
        page.head(refresh);
        page.summary();
        page.curve();
        page.parallelCoordinates();
        page.importance();
        page.table();
        return page.html.append("</main></body></html>\n").toString();
    }

    private void head(int refresh) {
        html.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        if (!state.finished()) {
            html.append("<meta http-equiv=\"refresh\" content=\"")
                    .append(refresh)
                    .append("\">");
        }
        html.append("<link rel=\"icon\" href=\"data:,\"><title>")
                .append(Html.escape(state.title()))
                .append("</title><style>\n")
                .append(Html.style(SearchPage.class, STYLE))
                .append("</style></head><body data-state=\"")
                .append(state.finished() ? "finished" : "running")
                .append("\"><main>\n<h1>")
                .append(Html.escape(state.title()))
                .append("</h1>\n<p class=\"lead\">")
                .append(
                        state.finished()
                                ? "The search has ended."
                                : "The search is running; this page reads itself again every " + refresh + " seconds.")
                .append(" Begun ")
                .append(clock(state.started()))
                .append(", as of ")
                .append(clock(state.now()))
                .append(" (")
                .append(duration(Duration.between(state.started(), state.now())))
                .append(").</p>\n");
    }

    private void summary() {
        html.append("<dl class=\"tiles\">");
        tile("candidates", Integer.toString(state.candidates().size()));
        tile("complete", Long.toString(state.count(CandidateStatus.Complete)));
        tile("failed", Long.toString(state.count(CandidateStatus.Failed)));
        tile(
                state.finished() ? "not ended" : "waiting or running",
                Integer.toString(state.candidates().size() - state.ended().size()));
        tile(
                state.minimize() ? "best score (lowest)" : "best score (highest)",
                state.best().map(best -> HyperParameter.text(best.getScore())).orElse("\u2013"));
        html.append("</dl>\n<p class=\"note\">Score: <code>")
                .append(Html.escape(state.score()))
                .append("</code>, ")
                .append(state.minimize() ? "less" : "more")
                .append(" is better.");
        state.best().ifPresent(best -> {
            html.append(" Best is candidate ").append(best.getIndex()).append(':');
            for (HyperParameter parameter : state.parameters()) {
                html.append(" <code>")
                        .append(Html.escape(parameter.name() + " = " + value(parameter, best)))
                        .append("</code>");
            }
        });
        html.append("</p>\n");
    }

    private void tile(String name, String value) {
        html.append("<div><dt>").append(name).append("</dt><dd>").append(value).append("</dd></div>");
    }

    private void curve() {
        heading("Best so far");
        if (state.ended().isEmpty()) {
            note("No candidate has ended yet.");
            return;
        }
        figure(
                SearchCharts.curve(state),
                "Each dot is a candidate's score, the line the best one until then; a cross is a candidate without a"
                        + " score.");
    }

    private void parallelCoordinates() {
        heading("Options and scores");
        if (state.ended().isEmpty()) {
            note("No candidate has ended yet.");
            return;
        }
        figure(
                SearchCharts.parallelCoordinates(state),
                "Each line is a candidate: its options, each drawn in the scale of its distribution, and at the right its"
                        + " score. The stronger the colour, the better; the best is the thick line, failed candidates are"
                        + " dashed.");
    }

    private void importance() {
        heading("Importance of the options");
        List<CandidateInfo> scored = state.scored();
        if (scored.size() < Importance.MIN_CANDIDATES) {
            note("Shown from " + Importance.MIN_CANDIDATES + " candidates with a score on; there are " + scored.size()
                    + ".");
            return;
        }
        List<Importance> importances = Importance.of(state.parameters(), scored);
        if (importances.isEmpty()) {
            note("The candidates' scores, or all of their options, are equal.");
            return;
        }
        figure(
                SearchCharts.importance(importances),
                "How much of the variance of the scores' ranks an option explains by itself: squared rank correlation (\u03C1)"
                        + " for numbers, correlation ratio for categories, adjusted for chance. From " + scored.size()
                        + " candidates; the fewer, the less it says. Options that matter only together, or whose best"
                        + " values lie in the middle, are underrated.");
    }

    private void table() {
        heading("Candidates");
        html.append(
                "<div class=\"wide\"><table id=\"candidates\"><caption>All candidates, by number</caption><thead><tr>"
                        + "<th scope=\"col\">number</th><th scope=\"col\">state</th><th scope=\"col\">score</th>"
                        + "<th scope=\"col\">time</th>");
        for (HyperParameter parameter : state.parameters()) {
            html.append("<th scope=\"col\">")
                    .append(Html.escape(parameter.name()).replace(".", ".<wbr>"))
                    .append("</th>");
        }
        html.append("</tr></thead><tbody>\n");
        CandidateInfo best = state.best().orElse(null);
        for (CandidateInfo candidate : state.candidates()) {
            String status = candidate.getCandidateStatus().name().toLowerCase(Locale.ROOT);
            html.append("<tr data-candidate=\"")
                    .append(candidate.getIndex())
                    .append("\" class=\"")
                    .append(status)
                    .append(candidate == best ? " top" : "")
                    .append("\"><th scope=\"row\">")
                    .append(candidate.getIndex())
                    .append("</th><td>")
                    .append(candidate == best ? "complete, best" : status)
                    .append("</td>");
            cell(candidate.getScore() == null ? "\u2013" : HyperParameter.text(candidate.getScore()));
            cell(state.time(candidate).map(SearchPage::duration).orElse("\u2013"));
            for (HyperParameter parameter : state.parameters()) {
                cell(candidate.getFlatParams() == null ? "\u2013" : value(parameter, candidate));
            }
            html.append("</tr>\n");
            if (candidate.getCandidateStatus() == CandidateStatus.Failed) {
                html.append("<tr class=\"error\"><td></td><td colspan=\"")
                        .append(state.parameters().size() + 3)
                        .append("\"><details><summary>")
                        .append(Html.escape(SearchState.error(candidate)))
                        .append("</summary><pre>")
                        .append(Html.escape(String.valueOf(candidate.getExceptionStackTrace())))
                        .append("</pre></details></td></tr>\n");
            }
        }
        html.append("</tbody></table></div>\n");
    }

    private void cell(String text) {
        html.append("<td class=\"number\">").append(Html.escape(text)).append("</td>");
    }

    private static String value(HyperParameter parameter, CandidateInfo candidate) {
        return HyperParameter.text(parameter.value(candidate.getFlatParams()));
    }

    private void heading(String text) {
        html.append("<h2>").append(text).append("</h2>\n");
    }

    private void note(String text) {
        html.append("<p class=\"note\">").append(text).append("</p>\n");
    }

    private void figure(String svg, String caption) {
        html.append("<figure><div class=\"wide\">")
                .append(svg)
                .append("</div><figcaption>")
                .append(caption)
                .append("</figcaption></figure>\n");
    }

    private static String clock(Instant instant) {
        return CLOCK.format(instant.atZone(ZoneId.systemDefault()));
    }

    private static String duration(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 60) {
            return String.format(Locale.ROOT, "%.1f s", duration.toMillis() / 1e3);
        }
        return seconds < 3600
                ? String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60);
    }
}
