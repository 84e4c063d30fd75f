/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.quickstart;

import io.latent4j.it.Html;
import io.latent4j.it.Spread;
import io.latent4j.it.quickstart.Results.Group;
import io.latent4j.it.quickstart.corpus.Corpus;
import io.latent4j.vocabsem.analysis.ClusterQuality;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** The report as one HTML page for a reader who has never seen the code. */
final class ReportPage {
    private static final String STYLE = "report.css";

    private final Results results;
    private final StringBuilder html = new StringBuilder();

    private ReportPage(Results results) {
        this.results = results;
    }

    /**
     * Writes the page.
     *
     * @param charts file names of the plots beside it
     */
    static String html(Results results, Set<String> charts) throws IOException {
        ReportPage page = new ReportPage(results);
        page.head();
        page.question();
        page.findings();
        page.accuracy(charts);
        page.geometry(charts);
        page.curves(charts);
        page.search();
        page.semantics(charts);
        page.codeSearch(charts);
        page.data();
        page.training();
        page.files();
        page.html.append("</main></body></html>\n");
        return page.html.toString();
    }

    private void head() throws IOException {
        html.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
                .append("<title>Latent spaces on real text</title><style>\n")
                .append(Html.style(ReportPage.class, STYLE))
                .append("</style></head><body><main>\n");
        html.append("<h1>Latent spaces on real text</h1>\n");
        paragraph(
                "lead",
                "What happens to a text classifier, and to the geometry of its hidden states, when a penalty makes those"
                        + " states more or less isotropic while it learns? What do the states of a language model mean in"
                        + " its own vocabulary? And can one state both continue a text and find what it needs to know?");
        if (results.state() != Results.State.COMPLETE) {
            String done = results.networksDone() + " of " + results.plan().networks() + " networks";
            paragraph(
                    "banner",
                    results.state() == Results.State.INTERRUPTED
                            ? "Partial report: the experiment was stopped after " + done
                                    + " were trained. Everything below is computed from those."
                            : "Still running: " + done + " are trained so far. Reload for more.");
        }
    }

    private void question() {
        heading("What was asked");
        paragraph(
                "",
                "A network turns each word of a text into a vector, its hidden state. Often these vectors don't use the"
                        + " space evenly: a few directions hold almost all of their variance. IsoScore* measures this: 1"
                        + " means that every direction varies equally (isotropic), 0 that a single one holds"
                        + " everything.");
        paragraph(
                "",
                "I-STAR (Rudman and Eickhoff, “Stable Anisotropic Regularization”, ICLR 2024) adds λ · (1 − IsoScore*) to"
                        + " the loss. A positive λ pushes isotropy up, a negative λ pushes it down. The paper reports that"
                        + " lower isotropy often helps. Here the same network is trained without I-STAR and with several"
                        + " λ, each with " + Plan.SEEDS + " random seeds, and measured on texts it has never seen. ζ is"
                        + " the weight of a covariance taken from many texts, which steadies the estimate from a small"
                        + " batch.");
    }

    private void findings() {
        List<String> findings = Findings.of(results);
        heading("What it showed");
        if (findings.isEmpty()) {
            paragraph("", "Too few networks were trained to compare anything.");
            return;
        }
        html.append("<ul class=\"findings\">");
        findings.forEach(
                finding -> html.append("<li>").append(Html.escape(finding)).append("</li>\n"));
        html.append("</ul>\n");
    }

    private void accuracy(Set<String> charts) {
        if (results.runs().isEmpty()) {
            return;
        }
        heading("Accuracy and isotropy");
        html.append("<div class=\"wide\"><table><thead><tr><th>Setting</th><th>Seeds</th><th>Accuracy</th>")
                .append("<th>Macro F1</th><th>Test loss</th><th>IsoScore*, all layers</th><th>Time per network</th>")
                .append("</tr></thead><tbody>\n");
        for (Group group : results.groups()) {
            html.append(group.setting().regularized() ? "<tr>" : "<tr class=\"baseline\">");
            number(group.setting().name());
            number(String.valueOf(group.runs().size()));
            number(Findings.percent(group.accuracy()));
            number(spread(group.of(run -> run.test().macroF1())));
            number(spread(group.of(run -> run.test().loss())));
            number(spread(group.isotropy()));
            number(Findings.number(group.of(Run::seconds).mean(), 1) + " s");
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
        paragraph(
                "note",
                "Mean ± standard deviation over seeds, on " + results.size().testTexts()
                        + " test texts. Macro F1 weighs every class equally; the loss is cross-entropy without the"
                        + " penalty. Guessing would reach about "
                        + Findings.number(100.0 / results.corpus().labels().size(), 0) + " %.");
        figure(charts, Charts.ACCURACY, "Test accuracy for each λ; bars are one standard deviation over seeds.");
    }

    private void geometry(Set<String> charts) {
        if (!charts.contains(Charts.ISOTROPY)) {
            return;
        }
        heading("Where isotropy changes");
        paragraph(
                "",
                "The penalty looks at the states of the " + Classifier.HIDDEN.size()
                        + " hidden layers together, and leaves padding out. The layers share its effect unevenly:");
        figure(charts, Charts.ISOTROPY, "IsoScore* of each hidden layer and of all together, for each λ (ζ = 0).");
    }

    private void curves(Set<String> charts) {
        if (!charts.contains(Charts.LOSS_CURVES)) {
            return;
        }
        heading("How training went");
        figure(
                charts,
                Charts.LOSS_CURVES,
                "Cross-entropy on validation texts, without the penalty; mean over seeds, ζ = 0.");
        figure(charts, Charts.ISOTROPY_CURVES, "IsoScore* on the same texts; the first point is before any training.");
    }

    private void search() {
        if (results.candidates().isEmpty()) {
            return;
        }
        heading("Random search");
        paragraph(
                "",
                String.format(
                        Locale.ROOT,
                        "Arbiter, DL4J's search tool, drew λ from [−%.0f, %.0f], ζ from [0, %.1f] and the learning rate"
                                + " from [%.4f, %.3f] (uniform in its logarithm), trained one network each and compared"
                                + " them on validation texts. In the search the penalty is a layer on top of the last"
                                + " hidden layer only, so its effect is smaller than that of the runs above.",
                        Search.MAX_LAMBDA,
                        Search.MAX_LAMBDA,
                        Search.MAX_ZETA,
                        Search.MIN_RATE,
                        Search.MAX_RATE));
        html.append("<div class=\"wide\"><table><thead><tr><th>λ</th><th>ζ</th><th>Learning rate</th>")
                .append("<th>Validation accuracy</th><th>Test accuracy</th><th>IsoScore*, last layer</th>")
                .append("</tr></thead><tbody>\n");
        List<Run> ranked = results.candidates().stream()
                .sorted(Comparator.comparingDouble(Run::validationAccuracy).reversed())
                .toList();
        for (Run run : ranked) {
            html.append("<tr>");
            number(signed(run.setting().lambda()));
            number(Findings.number(run.setting().zeta(), 2));
            number(Findings.number(run.setting().learningRate(), 4));
            number(Findings.number(100 * run.validationAccuracy(), 1) + " %");
            number(Findings.number(100 * run.test().accuracy(), 1) + " %");
            List<Double> layers = run.test().layerIsotropy();
            number(Findings.number(layers.get(layers.size() - 1), 3));
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
    }

    private void semantics(Set<String> charts) {
        if (results.semantics().isEmpty()) {
            if (results.state() == Results.State.COMPLETE) {
                heading("States and words");
                paragraph("", "Left out: a class has no word that tells it from the others.");
            }
            return;
        }
        Semantics semantics = results.semantics().get();
        Semantics.Model model = semantics.model();
        heading("States and words");
        paragraph(
                "",
                "Vocabulary-defined semantics (Gu et al., arXiv 2401.16184) asks which words the states of a language"
                        + " model mean. Each word has a place among the states, its semantic basis, which follows from"
                        + " the model's own output head. A class is represented by words, and a text belongs to the class"
                        + " whose basis points most nearly in the direction of its state.");
        paragraph(
                "",
                "Here a small language model (" + (LanguageModel.LAYERS.size() - 1) + " LSTM layers of width "
                        + LanguageModel.WIDTH + ", "
                        + grouped(semantics.vocabulary().size())
                        + " words) learned to predict the next word from "
                        + grouped(model.texts()) + " of the training texts, in "
                        + Findings.number(model.seconds(), 0)
                        + " s, and was then left alone. Its perplexity on test texts is "
                        + Findings.number(model.perplexity(), 0) + "; guessing by word frequency has "
                        + Findings.number(model.unigramPerplexity(), 0)
                        + ". A text's state is the mean of its words' states in the last layer, scaled to one length. A large language model"
                        + " would be asked with a prompt instead; so small a model understands none.");
        fewShot(semantics);
        figure(
                charts,
                Charts.FEW_SHOT,
                "Test accuracy of classifiers on the same states; bars are one standard deviation over " + Plan.SEEDS
                        + " samples of training texts.");
        labelWords(semantics);
        clusters(semantics);
        lens(charts, semantics);
    }

    private void fewShot(Semantics semantics) {
        html.append("<div class=\"wide\"><table><thead><tr><th>Method</th><th>Training texts per class</th>")
                .append("<th>Accuracy</th><th>Macro F1</th></tr></thead><tbody>\n");
        for (Semantics.Method method : Semantics.Method.values()) {
            for (int shots : semantics.shots(method)) {
                html.append("<tr>");
                cell(method.title());
                number(shots == 0 ? "none" : String.valueOf(shots));
                number(Findings.percent(semantics.of(method, shots, Semantics.Score::accuracy)));
                number(spread(semantics.of(method, shots, Semantics.Score::macroF1)));
                html.append("</tr>\n");
            }
        }
        html.append("</tbody></table></div>\n");
    }

    private void labelWords(Semantics semantics) {
        paragraph(
                "note",
                "The words of each class, picked by how much more often its training texts use them (so even the"
                        + " untrained method knows the labels of these texts, but only as word counts):");
        html.append("<div class=\"wide\"><table><tbody>\n");
        semantics.labelWords().forEach((label, words) -> html.append("<tr><th scope=\"row\">")
                .append(Html.escape(label))
                .append("</th><td>")
                .append(Html.escape(String.join(", ", words)))
                .append("</td></tr>\n"));
        html.append("</tbody></table></div>\n");
    }

    private void clusters(Semantics semantics) {
        subheading("Do states of one class lie together?");
        html.append("<div class=\"wide\"><table><thead><tr><th>States of test texts</th><th>Silhouette</th>")
                .append("<th>Adjusted Rand index of k-means</th></tr></thead><tbody>\n");
        clusters("as the language model makes them", semantics.clusters().before());
        clusters("after neural clustering", semantics.clusters().after());
        html.append("</tbody></table></div>\n");
        paragraph(
                "note",
                "Silhouette: 1 if states are far nearer to their own class than to any other, 0 if classes overlap. The"
                        + " Rand index compares clusters found without labels to the classes: 1 if they are the same, 0"
                        + " by chance. Neural clustering was trained with "
                        + SemanticsStudy.SHOTS.get(SemanticsStudy.SHOTS.size() - 1) + " texts per class.");
    }

    private void clusters(String states, ClusterQuality quality) {
        html.append("<tr>");
        cell(states);
        number(Findings.number(quality.silhouette(), 3));
        number(Findings.number(quality.adjustedRandIndex(), 3));
        html.append("</tr>\n");
    }

    private void lens(Set<String> charts, Semantics semantics) {
        subheading("What each layer has in mind");
        figure(
                charts,
                Charts.LENS_WORDS,
                "The word whose basis is nearest to the state of each layer, for the first short test text. Below: what"
                        + " the model had just read. Above: the word that comes next. “words” is the embedding, before"
                        + " any layer.");
        figure(
                charts,
                Charts.LENS_LOGITS,
                "The same text by the head's own logits instead of bases (the “logit lens”): the words that the model"
                        + " would write.");
        figure(
                charts,
                Charts.LENS_RANKS,
                "How far up the next word is among all "
                        + grouped(semantics.vocabulary().size())
                        + " words, by both: median and quartiles over "
                        + grouped(semantics.words().layers().get(0).readings().size()) + " positions of test texts.");
        figure(
                charts,
                Charts.LENS_CLASSES,
                "The class nearest to the state of each layer and to the calibrated state, for the first test text of"
                        + " each class (below). Above: the right class.");
        figure(
                charts,
                Charts.LENS_CLASS_PROBABILITIES,
                "Probability of the right class, layer by layer and after neural clustering, over all test texts.");
    }

    private void codeSearch(Set<String> charts) {
        if (results.search().isEmpty()) {
            if (results.state() == Results.State.COMPLETE) {
                heading("Text that retrieves");
                paragraph("", "Left out: your own texts have no code to retrieve.");
            }
            return;
        }
        CodeSearch search = results.search().get();
        heading("Text that retrieves");
        paragraph(
                "",
                "Token–sequence co-supervision (Lee et al., ACL 2024, arXiv 2403.09024) trains a language model on two"
                        + " things at once: the next token, and the next sequence, a passage that it is about to need. At"
                        + " a special token, [Ret], the model's state must be nearest to the vector of the right passage,"
                        + " which a second network makes. So the model can ask for a passage while it writes, and go on"
                        + " with it before its eyes.");
        paragraph(
                "",
                "Here it reads the first sentence of a method's documentation, retrieves code, and writes the words of the"
                        + " method's name: “sentence [Ret] code [Cs] name [Ce]”. The same small model (an LSTM beside a"
                        + " sum of words, width " + CodeModel.WIDTH + ", "
                        + grouped(CodeModel.VOCABULARY) + " words, the first " + CodeModel.CODE_WORDS
                        + " words of the code, split at capital letters) was trained on the next token only, on the next"
                        + " sequence only, and on both (λ = 1), each with the same " + grouped(search.instances())
                        + " texts from " + grouped(search.trainMethods()) + " methods, and tested on "
                        + grouped(search.testMethods()) + " methods of files that it had not seen. Guessing finds the"
                        + " right code in " + Findings.percent(10.0 / search.testMethods())
                        + " of cases among ten; “untrained” is better because documentation and code share words, and"
                        + " the model starts as a sum of them.");
        html.append("<div class=\"wide\"><table><thead><tr><th>Trained on</th><th>Recall@1</th><th>Recall@10</th>")
                .append("<th>MRR@10</th><th>Perplexity</th><th>Name: F1</th><th>Name: exact</th><th>Grounded</th>")
                .append("<th>Training</th></tr></thead><tbody>\n");
        for (CodeSearch.Score score : search.scores()) {
            html.append(score.supervision() == CodeSearch.Supervision.BOTH ? "<tr class=\"baseline\">" : "<tr>");
            cell(score.supervision().title());
            number(Findings.percent(score.retrieval().recallAt(1)));
            number(Findings.percent(score.retrieval().recallAt(10)));
            number(Findings.number(score.retrieval().meanReciprocalRank(), 3));
            number(Findings.number(score.perplexity(), 1));
            number(Findings.percent(score.answers().f1()));
            number(Findings.percent(score.answers().exactMatch()));
            number(
                    score.grounding().spans() == 0
                            ? "–"
                            : Findings.percent(score.grounding().share()));
            number(Findings.number(score.seconds(), 0) + " s");
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
        paragraph(
                "note",
                "Recall@k: the right code is among the first k. Perplexity: of [Ret], name and end, with the right code in"
                        + " between; 1 would be certainty. Names are written after the code that was retrieved, right or"
                        + " wrong, for "
                        + search.score(CodeSearch.Supervision.BOTH).answers().answers()
                        + " methods; F1 and exact match compare words as SQuAD does. Grounded: share of names all of whose"
                        + " words are in the retrieved code. Nothing teaches the untrained model, and the one trained on"
                        + " sequences only, to write. One seed each.");
        figure(charts, Charts.CODE_SEARCH, "The same figures; higher is better.");
        subheading("Questions to the co-supervised model");
        html.append("<div class=\"wide\"><table><thead><tr><th>Documentation</th><th>Retrieved</th><th>Wrote</th>")
                .append("<th>Right</th></tr></thead><tbody>\n");
        for (CodeSearch.Example example : search.examples()) {
            html.append("<tr>");
            cell(example.question());
            html.append("<td><code>").append(Html.escape(example.signature())).append("</code></td>");
            cell(example.generation().text());
            cell(example.name() + (example.found() ? " (found)" : ""));
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
        html.append("<p>Ask it yourself, from the project's folder: <code>mvn -Pquickstart verify")
                .append(" -Dquickstart.args=&quot;ask&quot;</code></p>\n");
    }

    private void data() {
        Corpus corpus = results.corpus();
        heading("What was read");
        int texts = corpus.train().size()
                + corpus.validation().size()
                + corpus.test().size();
        long words = corpus.sources().stream().mapToLong(Corpus.Source::words).sum();
        boolean javadoc = corpus.sources().size() > 1;
        paragraph(
                "",
                corpus.name() + ": " + grouped(texts) + " distinct texts, " + grouped(words) + " words, "
                        + corpus.labels().size() + " classes. "
                        + (javadoc
                                ? "Each text is the first sentence of a class's, method's or field's documentation; the"
                                        + " class to predict is what the library is for. Generated code is left out. "
                                : "")
                        + grouped(corpus.dropped()) + " further texts only repeat another one or occur under several"
                        + " labels and were left out. "
                        + (javadoc
                                ? "Texts were split by source file: "
                                : "Texts were split at random but always alike: ")
                        + grouped(corpus.train().size()) + " for training, "
                        + grouped(corpus.validation().size()) + " for validation, "
                        + grouped(corpus.test().size()) + " for the test; no text is in two parts.");
        html.append("<div class=\"wide\"><table><thead><tr><th>Source</th><th>Class</th><th>")
                .append(javadoc ? "Files" : "")
                .append("</th><th>Texts</th><th>Words</th></tr></thead><tbody>\n");
        for (Corpus.Source source : corpus.sources()) {
            html.append("<tr>");
            cell(source.name());
            cell(source.label().isEmpty() ? String.join(", ", corpus.labels()) : source.label());
            number(javadoc ? grouped(source.files()) : "");
            number(grouped(source.sentences()));
            number(grouped(source.words()));
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
    }

    private void training() {
        heading("How it was trained");
        Results.Size size = results.size();
        paragraph(
                "",
                "Word embeddings of width " + Classifier.WIDTH + ", " + Classifier.HIDDEN.size()
                        + " recurrent layers of the same width, the mean over all words, softmax; the first "
                        + TextBatches.MAX_TOKENS + " words of each text; Adam with learning rate " + Plan.LEARNING_RATE
                        + ", batches of " + TrainingData.BATCH + ". Each network saw "
                        + grouped(size.texts() / Math.max(1, size.epochs())) + " training texts " + size.epochs()
                        + " times: as many as fit the time given, the same for every setting, sampled evenly over the"
                        + " classes. Longer training would give higher accuracy. Seeds: "
                        + results.plan().runs().stream()
                                .map(setting -> String.valueOf(setting.seed()))
                                .distinct()
                                .collect(Collectors.joining(", "))
                        + ". The whole experiment took " + results.elapsed().toSeconds() + " s.");
        html.append("<div class=\"wide\"><table><tbody>\n");
        results.environment().forEach((name, value) -> html.append("<tr><th scope=\"row\">")
                .append(Html.escape(name))
                .append("</th><td>")
                .append(Html.escape(value))
                .append("</td></tr>\n"));
        html.append("</tbody></table></div>\n");
    }

    private void files() {
        heading("The numbers");
        html.append("<p><a href=\"")
                .append(ResultFiles.CSV)
                .append("\">")
                .append(ResultFiles.CSV)
                .append("</a> has one row per network, <a href=\"")
                .append(ResultFiles.JSON)
                .append("\">")
                .append(ResultFiles.JSON)
                .append("</a> the training curves as well");
        if (results.semantics().isPresent()) {
            html.append(", <a href=\"")
                    .append(ResultFiles.SEMANTICS_CSV)
                    .append("\">")
                    .append(ResultFiles.SEMANTICS_CSV)
                    .append("</a> the classifiers on the language model's states, <a href=\"")
                    .append(ResultFiles.LENS_CSV)
                    .append("\">")
                    .append(ResultFiles.LENS_CSV)
                    .append("</a> the lens's numbers by layer");
        }
        if (results.search().isPresent()) {
            html.append(", <a href=\"")
                    .append(ResultFiles.CODE_CSV)
                    .append("\">")
                    .append(ResultFiles.CODE_CSV)
                    .append("</a> the models that retrieve code");
        }
        html.append(". To repeat exactly these numbers, run again with <code>--examples ")
                .append(results.size().texts())
                .append("</code> and the same seed.</p>\n");
    }

    private void heading(String text) {
        html.append("<h2>").append(Html.escape(text)).append("</h2>\n");
    }

    private void subheading(String text) {
        html.append("<h3>").append(Html.escape(text)).append("</h3>\n");
    }

    private void paragraph(String style, String text) {
        html.append(style.isEmpty() ? "<p>" : "<p class=\"" + style + "\">")
                .append(Html.escape(text))
                .append("</p>\n");
    }

    private void figure(Set<String> charts, String file, String caption) {
        if (charts.contains(file)) {
            html.append("<figure><img src=\"")
                    .append(file)
                    .append("\" alt=\"")
                    .append(Html.escape(caption))
                    .append("\"><figcaption>")
                    .append(Html.escape(caption))
                    .append("</figcaption></figure>\n");
        }
    }

    private void cell(String text) {
        html.append("<td>").append(Html.escape(text)).append("</td>");
    }

    private void number(String text) {
        html.append("<td class=\"number\">").append(Html.escape(text)).append("</td>");
    }

    private static String spread(Spread spread) {
        return Findings.number(spread.mean(), 3)
                + (spread.n() > 1 ? " ± " + Findings.number(spread.deviation(), 3) : "");
    }

    private static String signed(double value) {
        return (value < 0 ? "−" : "+") + Findings.number(Math.abs(value), 2);
    }

    /** Thousands apart. */
    private static String grouped(long value) {
        return String.format(Locale.ROOT, "%,d", value).replace(',', '\u202F');
    }
}
