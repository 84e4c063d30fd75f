/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.dashboard;

import io.latent4j.it.Html;
import io.latent4j.it.dashboard.HyperParameter.Tick;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.arbiter.optimize.runner.CandidateInfo;
import org.deeplearning4j.arbiter.optimize.runner.CandidateStatus;

/** The page's pictures, as SVG within it. Colours are the style sheet's. */
final class SearchCharts {
    private static final double LETTER = 6.6;
    private static final int SHADES = 5;

    private SearchCharts() {}

    // ---- best so far ----------------------------------------------------------------------------------------------

    /** Score of each ended candidate, and the best until then. */
    static String curve(SearchState state) {
        List<CandidateInfo> ended = state.ended();
        List<Double> best = state.bestSoFar();
        Scale scores = Scale.around(
                state.scored().stream().mapToDouble(CandidateInfo::getScore).toArray());
        double left = 70;
        double right = 860;
        double top = 16;
        double bottom = 250;
        int last = Math.max(2, ended.size());
        StringBuilder svg = open(
                880,
                300,
                "curve",
                "Best score so far",
                ended.size() + " candidates have ended, " + best.size() + " with a score");
        for (double value : scores.ticks()) {
            double y = scores.at(value, bottom, top);
            svg.append(line(left, y, right, y, "grid"))
                    .append(text(left - 8, y + 4, "end", "tick", scores.label(value)));
        }
        int step = Math.max(1, (int) Math.ceil(last / 12.0));
        for (int n = 1; n <= last; n += step) {
            svg.append(text(x(n, last, left, right), bottom + 18, "middle", "tick", Integer.toString(n)));
        }
        svg.append(line(left, bottom, right, bottom, "axis"))
                .append(line(left, top, left, bottom, "axis"))
                .append(text((left + right) / 2, bottom + 40, "middle", "label", "candidates in the order they ended"))
                .append(String.format(
                        Locale.ROOT,
                        "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(16 %.1f) rotate(-90)\">score"
                                + "</text>",
                        (top + bottom) / 2));
        StringBuilder path = new StringBuilder();
        StringBuilder points = new StringBuilder();
        int scored = 0;
        for (int i = 0; i < ended.size(); i++) {
            CandidateInfo candidate = ended.get(i);
            double x = x(i + 1, last, left, right);
            if (SearchState.isScored(candidate)) {
                double y = scores.at(best.get(scored++), bottom, top);
                path.append(String.format(Locale.ROOT, path.isEmpty() ? "M%.1f %.1f" : "H%.1fV%.1f", x, y));
                points.append(String.format(
                        Locale.ROOT,
                        "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>candidate %d: %s</title></circle>",
                        x,
                        scores.at(candidate.getScore(), bottom, top),
                        candidate.getIndex(),
                        HyperParameter.text(candidate.getScore())));
            } else {
                points.append(String.format(
                        Locale.ROOT,
                        "<path class=\"cross\" d=\"M%1$.1f %3$.1fL%2$.1f %4$.1fM%1$.1f %4$.1fL%2$.1f %3$.1f\"><title>%5$s"
                                + "</title></path>",
                        x - 4,
                        x + 4,
                        bottom - 12,
                        bottom - 4,
                        Html.escape("candidate " + candidate.getIndex() + " has no score")));
            }
        }
        if (!path.isEmpty()) {
            path.append(String.format(Locale.ROOT, "H%.1f", x(ended.size(), last, left, right)));
            svg.append("<path class=\"best-so-far\" d=\"").append(path).append("\"/>");
        }
        return svg.append(points).append("</svg>").toString();
    }

    private static double x(int n, int last, double left, double right) {
        return left + 12 + (n - 1) * (right - left - 24) / (last - 1);
    }

    // ---- parallel coordinates -------------------------------------------------------------------------------------

    /** One line per candidate through its values, one axis per option and one for the score. */
    static String parallelCoordinates(SearchState state) {
        List<HyperParameter> parameters = state.parameters();
        List<CandidateInfo> scored = state.scored();
        Scale scores = Scale.around(
                scored.stream().mapToDouble(CandidateInfo::getScore).toArray());
        double widest = parameters.stream()
                        .flatMap(parameter -> Stream.of(place(parameter), option(parameter)))
                        .mapToInt(String::length)
                        .max()
                        .orElse(0)
                * LETTER;
        double left = Math.max(40, widest / 2 + 6);
        double gap = Math.max(widest + 16, Math.max(110, 740.0 / Math.max(1, parameters.size())));
        double top = 52;
        double bottom = 302;
        double right = left + gap * parameters.size();
        List<CandidateInfo> failed = state.candidates().stream()
                .filter(c -> c.getCandidateStatus() == CandidateStatus.Failed && c.getFlatParams() != null)
                .toList();
        StringBuilder svg = open(
                right + 70,
                322,
                "parallel",
                "Options and score of each candidate",
                scored.size() + " candidates with a score and " + failed.size() + " failed ones over "
                        + parameters.size() + " options");
        for (CandidateInfo candidate : failed) {
            svg.append(polyline(candidate, points(candidate, parameters, left, gap, top, bottom), "failed"));
        }
        CandidateInfo best = state.best().orElse(null);
        double[] range =
                scored.stream().mapToDouble(CandidateInfo::getScore).sorted().toArray();
        scored.stream()
                .sorted(Comparator.comparingDouble(c -> state.minimize() ? -c.getScore() : c.getScore()))
                .forEach(candidate -> {
                    List<double[]> points = points(candidate, parameters, left, gap, top, bottom);
                    points.add(new double[] {right, scores.at(candidate.getScore(), bottom, top)});
                    String shade = candidate == best ? "best" : "shade" + shade(candidate.getScore(), range, state);
                    svg.append(polyline(candidate, points, shade));
                });
        for (int i = 0; i <= parameters.size(); i++) {
            double x = left + i * gap;
            boolean score = i == parameters.size();
            svg.append(line(x, top, x, bottom, "axis"));
            if (score) {
                svg.append(text(x, top - 16, "middle", "label", "score"));
            } else {
                svg.append(text(x, top - 32, "middle", "tick", place(parameters.get(i))))
                        .append(text(x, top - 16, "middle", "label", option(parameters.get(i))));
            }
            List<Tick> ticks = score
                    ? scores.ticks().stream()
                            .map(value -> new Tick(scores.at(value, 0, 1), scores.label(value)))
                            .toList()
                    : parameters.get(i).ticks();
            for (Tick tick : ticks) {
                double y = bottom - tick.position() * (bottom - top);
                svg.append(line(x - 4, y, x, y, "axis"))
                        .append(text(x + 6, y + 4, "start", "tick halo", shorten(tick.label(), 14)));
            }
        }
        return svg.append("</svg>").toString();
    }

    private static List<double[]> points(
            CandidateInfo candidate,
            List<HyperParameter> parameters,
            double left,
            double gap,
            double top,
            double bottom) {
        return IntStream.range(0, parameters.size())
                .mapToObj(i -> new double[] {
                    left + i * gap, bottom - parameters.get(i).position(candidate.getFlatParams()) * (bottom - top)
                })
                .collect(Collectors.toCollection(ArrayList::new));
    }

    /** 0 for the worst scores to 4 for the best ones, in equal parts of their range. */
    private static int shade(double score, double[] sorted, SearchState state) {
        double width = sorted[sorted.length - 1] - sorted[0];
        double share = width == 0 ? 1 : (score - sorted[0]) / width;
        return (int) Math.min(SHADES - 1, SHADES * (state.minimize() ? 1 - share : share));
    }

    private static String polyline(CandidateInfo candidate, List<double[]> points, String style) {
        return points.stream()
                .map(point -> String.format(Locale.ROOT, "%.1f,%.1f", point[0], point[1]))
                .collect(Collectors.joining(
                        " ",
                        "<polyline class=\"line " + style + "\" data-candidate=\"" + candidate.getIndex()
                                + "\" points=\"",
                        "\"><title>candidate " + candidate.getIndex()
                                + (candidate.getScore() == null
                                        ? " failed"
                                        : ": " + HyperParameter.text(candidate.getScore()))
                                + "</title></polyline>"));
    }

    // ---- importance -----------------------------------------------------------------------------------------------

    /** One bar per option. */
    static String importance(List<Importance> importances) {
        List<String> names = importances.stream()
                .map(importance -> shorten(importance.parameter().name(), 40))
                .toList();
        double left = names.stream().mapToInt(String::length).max().orElse(0) * LETTER + 20;
        double right = Math.max(760, left + 400);
        double row = 28;
        double bottom = 12 + row * importances.size();
        StringBuilder svg = open(
                right + 120,
                bottom + 46,
                "importance",
                "Importance of each option",
                "Share of the variance of the scores' ranks that each option explains by itself");
        for (int percent = 0; percent <= 100; percent += 25) {
            double x = left + percent / 100.0 * (right - left);
            svg.append(line(x, 8, x, bottom, percent == 0 ? "axis" : "grid"))
                    .append(text(x, bottom + 18, "middle", "tick", percent + " %"));
        }
        svg.append(
                text((left + right) / 2, bottom + 38, "middle", "label", "share of the variance of the scores' ranks"));
        for (int i = 0; i < importances.size(); i++) {
            Importance importance = importances.get(i);
            double y = 12 + i * row;
            double width = importance.share() * (right - left);
            String direction = Double.isNaN(importance.correlation())
                    ? "categories"
                    : String.format(Locale.ROOT, "\u03C1 = %+.2f", importance.correlation());
            svg.append(text(left - 10, y + 15, "end", "label", names.get(i)))
                    .append(String.format(
                            Locale.ROOT,
                            "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"16\"/>",
                            left,
                            y + 3,
                            width))
                    .append(text(
                            left + width + 6,
                            y + 15,
                            "start",
                            "tick halo",
                            Math.round(100 * importance.share()) + " %, " + direction));
        }
        return svg.append("</svg>").toString();
    }

    // ---- parts ----------------------------------------------------------------------------------------------------

    private static StringBuilder open(double width, double height, String id, String title, String description) {
        return new StringBuilder(String.format(
                Locale.ROOT,
                "<svg id=\"%3$s\" role=\"img\" aria-labelledby=\"%3$s-title %3$s-desc\" viewBox=\"0 0 %1$.0f %2$.0f\""
                        + " width=\"%1$.0f\" height=\"%2$.0f\"><title id=\"%3$s-title\">%4$s</title>"
                        + "<desc id=\"%3$s-desc\">%5$s</desc>",
                width,
                height,
                id,
                Html.escape(title),
                Html.escape(description)));
    }

    private static String line(double x1, double y1, double x2, double y2, String style) {
        return String.format(
                Locale.ROOT,
                "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
                style,
                x1,
                y1,
                x2,
                y2);
    }

    private static String text(double x, double y, String anchor, String style, String text) {
        return String.format(
                Locale.ROOT,
                "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>",
                style,
                anchor,
                x,
                y,
                Html.escape(text));
    }

    /** The first line of an axis' name. */
    private static String place(HyperParameter parameter) {
        String name = parameter.name();
        return shorten(name.substring(0, Math.max(0, name.lastIndexOf('.'))), 22);
    }

    /** Its second line. */
    private static String option(HyperParameter parameter) {
        return shorten(parameter.name().substring(parameter.name().lastIndexOf('.') + 1), 22);
    }

    /** Keeps the end of a name, which says more than its beginning. */
    private static String shorten(String name, int length) {
        return name.length() <= length ? name : "\u2026" + name.substring(name.length() - length + 1);
    }

    /**
     * A linear axis with round ticks.
     *
     * @param min its lower end
     * @param max its upper end
     * @param step distance of ticks
     */
    record Scale(double min, double max, double step) {
        /** An axis for some values; of 0 to 1 if there are none. */
        static Scale around(double[] values) {
            double low = values.length == 0
                    ? 0
                    : IntStream.range(0, values.length)
                            .mapToDouble(i -> values[i])
                            .min()
                            .orElseThrow();
            double high = values.length == 0
                    ? 1
                    : IntStream.range(0, values.length)
                            .mapToDouble(i -> values[i])
                            .max()
                            .orElseThrow();
            double range = high > low ? high - low : Math.max(Math.abs(low), 1e-6);
            double power = Math.pow(10, Math.floor(Math.log10(range / 4)));
            double step = IntStream.of(1, 2, 5, 10)
                    .mapToDouble(factor -> factor * power)
                    .filter(size -> range / size <= 5)
                    .findFirst()
                    .orElse(10 * power);
            return new Scale(
                    Math.floor(low / step) * step, Math.ceil(high / step + (high > low ? 0 : 0.5)) * step, step);
        }

        double at(double value, double start, double end) {
            return start + (value - min) / (max - min) * (end - start);
        }

        List<Double> ticks() {
            int count = (int) Math.round((max - min) / step);
            return IntStream.rangeClosed(0, count).mapToObj(i -> min + i * step).toList();
        }

        /** With as many decimals as the distance of the ticks needs. */
        String label(double value) {
            if (step < 1e-8 || Math.max(Math.abs(min), Math.abs(max)) >= 1e6) {
                return String.format(Locale.ROOT, "%.2e", value);
            }
            int decimals = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
            return String.format(Locale.ROOT, "%." + decimals + "f", Math.round(value / step) * step + 0.0);
        }
    }
}
