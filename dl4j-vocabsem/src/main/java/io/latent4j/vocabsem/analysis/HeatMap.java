/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.vocabsem.analysis;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A grid of coloured cells with texts in them, row names on the left, captions below, a scale on the right. */
final class HeatMap {

    /**
     * A row of the grid.
     *
     * @param name what stands on its left
     * @param cells null where there is nothing to show
     */
    record Row(String name, List<@Nullable Cell> cells) {}

    /**
     * A cell.
     *
     * @param text what stands in it
     * @param value in [0, 1]: its colour
     * @param framed whether it stands out
     */
    record Cell(String text, double value, boolean framed) {}

    private static final int CELL_HEIGHT = 34;
    private static final int MIN_CELL_WIDTH = 56;
    private static final int MAX_CELL_WIDTH = 130;
    private static final int MARGIN = 16;
    private static final int PADDING = 6;
    private static final int MAX_NAME_WIDTH = 220;
    private static final int SCALE_WIDTH = 16;

    private static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 14);
    private static final Font SMALL = TEXT.deriveFont(12f);
    private static final Font EMPHASIS = TEXT.deriveFont(Font.BOLD);

    private static final Color INK = new Color(0x22, 0x22, 0x22);
    private static final Color FRAME = new Color(0xD5, 0x5E, 0x00);
    /** Dark text is readable on all of these but the last two. */
    private static final Color[] SCALE = {
        new Color(0xFA, 0xFC, 0xFE),
        new Color(0xC6, 0xDB, 0xEF),
        new Color(0x6B, 0xAE, 0xD6),
        new Color(0x21, 0x71, 0xB5),
        new Color(0x08, 0x30, 0x6B)
    };

    private final List<Row> rows;
    private final List<String> captions;
    private final List<@Nullable String> gold;
    private final boolean withGold;
    private final double largest;

    /**
     * @param captions under each column
     * @param gold over each column; null for none
     */
    HeatMap(List<Row> rows, List<String> captions, List<@Nullable String> gold) {
        this.rows = rows;
        this.captions = captions;
        this.gold = gold;
        this.withGold = gold.stream().anyMatch(Objects::nonNull);
        this.largest = cells().mapToDouble(Cell::value)
                .max()
                .orElseThrow(() -> new IllegalArgumentException(
                        "positions must hold an unmasked position of the report, found none"));
    }

    private Stream<Cell> cells() {
        return rows.stream().flatMap(row -> row.cells().stream()).flatMap(Stream::ofNullable);
    }

    BufferedImage draw() {
        Graphics2D measuring = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
        FontMetrics text = measuring.getFontMetrics(TEXT);
        FontMetrics small = measuring.getFontMetrics(SMALL);
        FontMetrics emphasis = measuring.getFontMetrics(EMPHASIS);
        measuring.dispose();
        int names = Math.min(
                MAX_NAME_WIDTH,
                rows.stream()
                        .map(Row::name)
                        .mapToInt(text::stringWidth)
                        .reduce(emphasis.stringWidth("gold token"), Math::max));
        int widest = Stream.concat(
                        cells().map(Cell::text),
                        Stream.concat(captions.stream(), gold.stream().flatMap(Stream::ofNullable)))
                .mapToInt(emphasis::stringWidth)
                .max()
                .orElse(0);
        int cell = Math.max(MIN_CELL_WIDTH, Math.min(MAX_CELL_WIDTH, widest + 2 * PADDING));
        int left = MARGIN + names + PADDING;
        int top = MARGIN + (withGold ? CELL_HEIGHT : 0);
        int gridWidth = cell * captions.size();
        int gridHeight = CELL_HEIGHT * rows.size();
        int scaleTexts = small.stringWidth(label(largest)) + 3 * PADDING;
        int title = small.stringWidth("probability");
        int right = MARGIN + Math.max(SCALE_WIDTH + scaleTexts, title) + MARGIN;
        int height = top + gridHeight + CELL_HEIGHT + MARGIN;
        BufferedImage picture = new BufferedImage(left + gridWidth + right, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = picture.createGraphics();
        try {
            g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            g.setColor(Color.WHITE);
            g.fillRect(0, 0, picture.getWidth(), picture.getHeight());
            for (int i = 0; i < rows.size(); i++) {
                int y = top + i * CELL_HEIGHT;
                g.setColor(INK);
                g.setFont(TEXT);
                String name = fit(rows.get(i).name(), text, names);
                g.drawString(name, left - PADDING - text.stringWidth(name), baseline(y, text));
                for (int column = 0; column < captions.size(); column++) {
                    Cell content = rows.get(i).cells().get(column);
                    if (content != null) {
                        draw(g, content, left + column * cell, y, cell, text, emphasis);
                    }
                }
            }
            g.setFont(EMPHASIS);
            g.setColor(FRAME);
            if (withGold) {
                g.drawString("gold token", left - PADDING - emphasis.stringWidth("gold token"), baseline(MARGIN, text));
            }
            for (int column = 0; column < captions.size(); column++) {
                int x = left + column * cell;
                String over = gold.get(column);
                if (over != null) {
                    g.setFont(EMPHASIS);
                    g.setColor(FRAME);
                    centre(g, over, x, MARGIN, cell, emphasis);
                }
                g.setFont(SMALL);
                g.setColor(INK);
                centre(g, captions.get(column), x, top + gridHeight, cell, small);
            }
            drawScale(g, left + gridWidth + MARGIN, top, gridHeight, small);
        } finally {
            g.dispose();
        }
        return picture;
    }

    private void draw(Graphics2D g, Cell content, int x, int y, int width, FontMetrics text, FontMetrics emphasis) {
        double shade = largest == 0 ? 0 : content.value() / largest;
        g.setColor(color(shade));
        g.fillRect(x + 1, y + 1, width - 2, CELL_HEIGHT - 2);
        if (content.framed()) {
            g.setColor(FRAME);
            g.setStroke(new BasicStroke(2f));
            g.drawRect(x + 2, y + 2, width - 5, CELL_HEIGHT - 5);
        }
        g.setColor(shade > 0.6 ? Color.WHITE : INK);
        g.setFont(content.framed() ? EMPHASIS : TEXT);
        centre(g, content.text(), x, y, width, content.framed() ? emphasis : text);
    }

    /** From top to bottom the largest value to 0. */
    private void drawScale(Graphics2D g, int x, int top, int height, FontMetrics small) {
        int titled = small.getHeight() + PADDING;
        int barTop = height > 3 * titled ? top + titled : top;
        int barHeight = top + height - barTop;
        for (int y = 0; y < barHeight; y++) {
            g.setColor(color(1 - y / (double) Math.max(1, barHeight - 1)));
            g.fillRect(x, barTop + y, SCALE_WIDTH, 1);
        }
        g.setColor(INK);
        g.setStroke(new BasicStroke(1f));
        g.drawRect(x, barTop, SCALE_WIDTH, barHeight - 1);
        g.setFont(SMALL);
        if (barTop > top) {
            g.drawString("probability", x, top + small.getAscent());
        }
        int beside = x + SCALE_WIDTH + PADDING;
        g.drawString(label(largest), beside, barTop + small.getAscent());
        g.drawString("0", beside, top + height - small.getDescent());
    }

    private static String label(double value) {
        return value >= 0.01 ? String.format(Locale.ROOT, "%.2f", value) : String.format(Locale.ROOT, "%.1e", value);
    }

    private static int baseline(int top, FontMetrics metrics) {
        return top + (CELL_HEIGHT - metrics.getHeight()) / 2 + metrics.getAscent();
    }

    private static void centre(Graphics2D g, String text, int x, int y, int width, FontMetrics metrics) {
        String fitting = fit(text, metrics, width - PADDING);
        g.drawString(fitting, x + (width - metrics.stringWidth(fitting)) / 2, baseline(y, metrics));
    }

    /** The text, cut off if it is too wide. */
    static String fit(String text, FontMetrics metrics, int width) {
        String visible = TextTable.visible(text);
        if (metrics.stringWidth(visible) <= width) {
            return visible;
        }
        int end = visible.length();
        while (end > 1 && metrics.stringWidth(visible.substring(0, end) + "…") > width) {
            end = visible.offsetByCodePoints(end, -1);
        }
        return visible.substring(0, end) + "…";
    }

    private static Color color(double shade) {
        double place = Math.max(0, Math.min(1, shade)) * (SCALE.length - 1);
        int below = Math.min(SCALE.length - 2, (int) place);
        Color from = SCALE[below];
        Color to = SCALE[below + 1];
        double t = place - below;
        return new Color(
                (int) Math.round(from.getRed() + t * (to.getRed() - from.getRed())),
                (int) Math.round(from.getGreen() + t * (to.getGreen() - from.getGreen())),
                (int) Math.round(from.getBlue() + t * (to.getBlue() - from.getBlue())));
    }
}
