/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import io.latent4j.it.Lines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.stat.StatUtils;

/**
 * What one size of a case gave.
 *
 * @param size the benchmark's parameter
 * @param ours milliseconds of a call, iteration by iteration
 * @param arms the same of the other arms; fewer where an arm was limited
 * @param armBytes extra memory of the other arms' first measurement
 * @param facts flops, bytes, repeats, memory of ours
 * @param extras what else the benchmark tells, rates per second
 */
record Comparison(
        String size,
        double[] ours,
        Map<String, double[]> arms,
        Map<String, Double> armBytes,
        Map<String, Double> facts,
        Map<String, Double> extras) {

    /** Reads what the benchmark noted. */
    static Comparison read(String size, double[] oursWithRepeats, Path record) throws IOException {
        Map<String, List<Double>> samples = new LinkedHashMap<>();
        Map<String, Double> bytes = new LinkedHashMap<>();
        Map<String, Double> facts = new LinkedHashMap<>();
        Map<String, Double> extras = new LinkedHashMap<>();
        Map<String, Double> perCall = new LinkedHashMap<>();
        for (String line : Lines.of(record)) {
            String[] parts = line.split("\t", -1);
            if (parts[0].equals("sample")) {
                samples.computeIfAbsent(parts[1], k -> new ArrayList<>()).add(Double.valueOf(parts[2]));
                bytes.putIfAbsent(parts[1], Double.valueOf(parts[3]));
            } else if (parts[0].equals("fact")) {
                extras.put(parts[1], Double.valueOf(parts[3]));
            } else if (parts[0].equals("rate")) {
                perCall.put(parts[1], Double.valueOf(parts[3]));
            } else {
                facts.put(parts[0], Double.valueOf(parts[3]));
            }
        }
        double[] ours = oursWithRepeats.clone();
        for (int i = 0; i < ours.length; i++) {
            ours[i] /= facts.get("repeats");
        }
        perCall.forEach((name, count) -> extras.put(name, 1000 * count / median(ours)));
        Map<String, double[]> arms = new LinkedHashMap<>();
        samples.forEach((arm, list) ->
                arms.put(arm, list.stream().mapToDouble(Double::doubleValue).toArray()));
        return new Comparison(size, ours, arms, bytes, facts, extras);
    }

    List<String> armNames() {
        return arms.keySet().stream().filter(arm -> !arm.startsWith("machine")).toList();
    }

    double ms() {
        return median(ours);
    }

    double ms(String arm) {
        return median(arms.getOrDefault(arm, new double[0]));
    }

    /** Median of the iterations' ratios, ours to the arm's. */
    double ratio(String arm) {
        return median(ratios(arm));
    }

    /** Half the distance of the ratios' quartiles. */
    double spread(String arm) {
        double[] ratios = ratios(arm);
        return ratios.length < 4
                ? Double.NaN
                : (StatUtils.percentile(ratios, 75) - StatUtils.percentile(ratios, 25)) / 2;
    }

    private double[] ratios(String arm) {
        double[] other = arms.getOrDefault(arm, new double[0]);
        double[] ratios = new double[Math.min(other.length, ours.length)];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = ours[i] / other[i];
        }
        return ratios;
    }

    double gflops() {
        return facts.get("flops") / ms() / 1e6;
    }

    /** The part of the machine's GEMM rate that the necessary operations reach. */
    double gemmShare() {
        return facts.get("flops") / PeerBenchmark.GEMM_FLOPS / ratio(PeerBenchmark.GEMM);
    }

    /** The part of the machine's copy rate that the necessary bytes reach. */
    double copyShare() {
        return facts.get("bytes") / PeerBenchmark.COPY_BYTES / ratio(PeerBenchmark.COPY);
    }

    double memory() {
        return facts.get("memory");
    }

    double memory(String arm) {
        return armBytes.getOrDefault(arm, Double.NaN);
    }

    double memoryRatio(String arm) {
        return memory() / memory(arm);
    }

    private static double median(double[] values) {
        return values.length == 0 ? Double.NaN : StatUtils.percentile(values, 50);
    }
}
