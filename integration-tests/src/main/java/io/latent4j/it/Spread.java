/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.it;

import java.util.stream.DoubleStream;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;

/**
 * What a repeated measurement gave.
 *
 * @param mean the mean; NaN without measurements
 * @param deviation the sample's standard deviation; 0 where there are not two measurements
 * @param n number of measurements
 */
public record Spread(double mean, double deviation, int n) {
    /**
     * The spread of some measurements.
     *
     * @param values what was measured
     * @return mean and standard deviation
     */
    public static Spread of(DoubleStream values) {
        SummaryStatistics statistics = new SummaryStatistics();
        values.forEach(statistics::addValue);
        int n = Math.toIntExact(statistics.getN());
        return new Spread(statistics.getMean(), n > 1 ? statistics.getStandardDeviation() : 0, n);
    }
}
