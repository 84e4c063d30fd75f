/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.stat.StatUtils;

/**
 * What one size of a case gave.
 *
 * @param size the benchmark's parameter
 * @param started day and minute
 * @param ours milliseconds of a call, iteration by iteration
 * @param arms the same of the other arms; fewer where an arm was limited
 * @param armBytes extra memory of the other arms' first measurement
 * @param facts flops, bytes, repeats, memory of ours
 * @param extras what else the benchmark tells, rates per second
 */
record Comparison(
        String size,
        String started,
        double[] ours,
        Map<String, double[]> arms,
        Map<String, Double> armBytes,
        Map<String, Double> facts,
        Map<String, Double> extras) {

    /** What a benchmark noted, and what JMH measured of ours. */
    static Comparison of(String size, String started, List<Measurements.Row> rows) {
        Map<String, List<Double>> samples = new LinkedHashMap<>();
        Map<String, Double> bytes = new LinkedHashMap<>();
        Map<String, Double> facts = new LinkedHashMap<>();
        Map<String, Double> extras = new LinkedHashMap<>();
        Map<String, Double> perCall = new LinkedHashMap<>();
        for (Measurements.Row row : rows) {
            switch (row.kind()) {
                case "sample" -> {
                    samples.computeIfAbsent(row.name(), k -> new ArrayList<>()).add(row.ms());
                    bytes.putIfAbsent(row.name(), row.value());
                }
                case "fact" -> extras.put(row.name(), row.value());
                case "rate" -> perCall.put(row.name(), row.value());
                default -> facts.put(row.kind(), row.value());
            }
        }
        Map<String, double[]> arms = new LinkedHashMap<>();
        samples.forEach((arm, list) ->
                arms.put(arm, list.stream().mapToDouble(Double::doubleValue).toArray()));
        double[] ours = arms.remove(Measurements.OURS);
        perCall.forEach((name, count) -> extras.put(name, 1000 * count / median(ours)));
        return new Comparison(size, started, ours, arms, bytes, facts, extras);
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
